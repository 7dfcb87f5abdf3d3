"""AWS in the lab: Lightsail and as much of EC2 as one server needs."""
