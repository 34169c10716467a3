package bench

# As much as the gateway decides about: a known device, allowed the resource. Undefined otherwise, which OPA's v0 Data API
# answers with 404; nginx lets nobody through on that.
allow if data.devices[input.device].resources[input.resource] == "allow"
