package stance

default allow := false

allow if {
	input.isActive == true
	input.infected == false
	input.activeThreats == 0
	input.networkStatus == "connected"
	input.operationalState in {"na", "partially_disabled"}
	[to_number(part) | some part in split(input.agentVersion, ".")] >= [24, 1]
	input.encryptedApplications == true
	input.siteName != "Lab"
}
