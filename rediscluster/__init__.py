"""Redis across regions: which host holds which slots (pure), and the keeper that brings a cluster there and mends it.

``slots`` and ``plan`` say how the cluster shall be; ``keeper`` is the program that runs beside the instances on each
member (standard library only); ``reshape`` plans the way from one set of members to another.
"""

from rediscluster.plan import (
    LIMITS,
    ClusterPlan,
    ClusterPlanError,
    ClusterSettings,
    Instance,
    Member,
    Profile,
    Shard,
    plan,
)
from rediscluster.slots import SLOTS, slot_of, tag_slot

__all__ = [
    "LIMITS",
    "ClusterPlan",
    "ClusterPlanError",
    "ClusterSettings",
    "Instance",
    "Member",
    "Profile",
    "Shard",
    "plan",
    "SLOTS",
    "slot_of",
    "tag_slot",
]
