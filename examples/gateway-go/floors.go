package main

// Floors are what revocations leave behind: a device is denied a resource until a decision reaches the revocation's
// revisions.
type floors map[string]map[string]revisions

func (f floors) get(device, resource string) *revisions {
	if floor, ok := f[device][resource]; ok {
		return &floor
	}
	return nil
}

// raise does nothing where the decision that is held reaches the floor already.
func (f floors) raise(device, resource string, floor revisions, held *decision) {
	if held != nil && held.reach(floor) {
		return
	}
	if f[device] == nil {
		f[device] = map[string]revisions{}
	}
	before := f[device][resource]
	f[device][resource] = revisions{max(before.posture, floor.posture), max(before.policy, floor.policy)}
}

// settle lets go of what a device's new decision reaches.
func (f floors) settle(device string, new revisions) {
	for resource, floor := range f[device] {
		if new.reach(floor) {
			delete(f[device], resource)
		}
	}
	if len(f[device]) == 0 {
		delete(f, device)
	}
}
