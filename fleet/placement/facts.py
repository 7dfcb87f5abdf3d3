"""The answer for programs."""

from __future__ import annotations

from fleet.placement.answer import Answer, Beside, Permission
from fleet.placement.plan import Plan, fallback
from fleet.placement.problem import obstacles
from fleet.placement.sensitivity import Flip


def answer_facts(answer: Answer) -> dict[str, object]:
    """Everything that was found. Money as text, milliseconds as numbers."""
    problem = answer.asked.problem
    return {
        "objective": str(answer.question.objective),
        "hosting": str(answer.question.hosting),
        "budget_usd": None if problem.budget_usd is None else str(problem.budget_usd),
        "in_reach": problem.in_reach,
        "method": "every set" if answer.in_full else "mixed-integer program",
        "best": plan_facts(answer, answer.best),
        "runner_up": None if answer.runner_up is None else plan_facts(answer, answer.runner_up),
        "flips": [_flip_facts(answer, flip) for flip in answer.flips],
        "front": [plan_facts(answer, plan) for plan in answer.front],
        "beside": [_beside_facts(answer, row) for row in answer.beside],
        "infeasible": [
            {"candidate": candidate.name, "venue": demand.name, "why": why}
            for candidate, demand, why in obstacles(answer.considered.problem)
        ],
        "left_out": [{"venue": name, "why": why} for name, why in answer.asked.left_out],
        "unpriced": [offer.name for offer in answer.asked.unpriced],
    }


def plan_facts(answer: Answer, plan: Plan) -> dict[str, object]:
    """One plan, with who serves what."""
    asked = answer.asked
    return {
        "score_ms": round(plan.score_ms, 3),
        "monthly_usd": str(plan.monthly_usd),
        "open": [
            {
                "candidate": asked.offers[number].name,
                "place": asked.offers[number].place,
                "service": asked.offers[number].service,
                "plan": asked.offers[number].plan,
                "monthly_usd": str(asked.offers[number].monthly_usd),
            }
            for number in plan.opened
        ],
        "venues": [
            {
                "venue": demand.name,
                "hosted_in": asked.hosts[column],
                "served_from": asked.offers[number].place,
                "ms": plan.ms[column],
                "basis": str(asked.problem.reaches[number][column].basis),
                "falls_back_to": _fallback(answer, plan, column),
            }
            for column, (demand, number) in enumerate(zip(asked.problem.demands, plan.served_from, strict=True))
        ],
    }


def _fallback(answer: Answer, plan: Plan, column: int) -> str | None:
    number = fallback(answer.asked.problem, plan, column)
    return None if number is None else answer.asked.offers[number].place


def permission_facts(row: Permission) -> dict[str, object]:
    """Whether a venue may be served from a place."""
    return {
        "venue": row.venue,
        "place": row.place,
        "allowed": not row.refusal,
        "why": row.refusal or None,
        "instead": row.instead or None,
        "ms": None if row.reach is None else row.reach.ms,
        "basis": None if row.reach is None else str(row.reach.basis),
        "instead_ms": None if row.instead_reach is None else row.instead_reach.ms,
        "instead_basis": None if row.instead_reach is None else str(row.instead_reach.basis),
    }


def _flip_facts(answer: Answer, flip: Flip) -> dict[str, object]:
    return {
        "venue": flip.venue,
        "weight": flip.weight,
        "flips_at": round(flip.flips_at, 4),
        "open": [answer.asked.offers[number].name for number in flip.plan.opened],
    }


def _beside_facts(answer: Answer, row: Beside) -> dict[str, object]:
    found = None if row.plan is None else plan_facts(answer, row.plan)
    return {"name": row.name, "plan": found, "why": row.why or None}
