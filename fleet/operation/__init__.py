"""Running stacks: in which order, in parallel where they are independent, through Pulumi's Automation API."""
