package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Revisions say how new a decision is: of which posture and of which policy.
type revisions struct{ posture, policy int64 }

func (r revisions) reach(floor revisions) bool {
	return r.posture >= floor.posture && r.policy >= floor.policy
}

// A decision is a device's last one, as far as it is needed.
type decision struct {
	revisions
	resources map[string]ruling
	// The least proof of the device that counts; empty for any.
	identity string
	// Zero where time alone changes nothing.
	reviewAt time.Time
	sequence uint64
	readable bool
}

// An asker is who wants in: the user, empty if none is proved, and how the device was.
type asker struct{ user, proof string }

type verdict struct {
	Allowed bool     `json:"allowed"`
	Effect  string   `json:"effect"`
	Reasons []reason `json:"reasons"`
}

// A situation is what a verdict follows from.
type situation struct {
	decision *decision
	// What the decision has to reach since a revocation; nil without one.
	floor  *revisions
	engine engineState
	// Whether who asks has an open session for the resource.
	inSession bool
	now       time.Time
}

// verdictOf denies unless a decision lets in that is known to hold now.
func verdictOf(s situation, resource string, who asker) verdict {
	r := rulingOn(s.decision, resource, who)
	refused := r.Effect == "deny" && (r.isEnforced() || r.HeldUntil != nil && !s.inSession)
	switch {
	case refused && s.decision.has(resource):
		return deny(r.Reasons...) // The decision's own denial says most about what to do.
	case s.engine == behind:
		return deny(reason{"engine-silent", "The policy engine has decided what has not reached this gateway yet."})
	case s.engine != fresh:
		return deny(reason{"engine-silent", "The policy engine has not been heard for too long."})
	case refused:
		return deny(r.Reasons...)
	case s.floor != nil:
		return deny(reason{"awaiting-decision", "Access was revoked and no newer decision has come."})
	case isPast(&s.decision.reviewAt, s.now), isPast(r.Until, s.now):
		return deny(reason{"decision-expired", "The decision is past its review time and no newer one has come."})
	}
	return verdict{Allowed: true, Effect: r.Effect, Reasons: append([]reason{}, r.Reasons...)}
}

// rulingOn is what a decision says of a resource and who asks, leaving time and revocations aside.
func rulingOn(d *decision, resource string, who asker) ruling {
	if d == nil || !d.has(resource) {
		return denial("decision-missing", "The gateway has no decision for this device and resource.")
	}
	r := d.resources[resource]
	// Enforced even where the gateway only reports: for all we know, this is not the device that it is about.
	if strengthOf(who.proof) < strengthOf(d.identity) {
		return denial("identity-missing", "This resource needs a better proof of the device.")
	}
	switch r.Effect {
	case "allow", "warn", "deny":
	default:
		return denial("decision-missing", "The decision says nothing that this gateway knows.")
	}
	lets := r.Effect != "deny" || !r.isEnforced()
	if lets && r.RequiresOwner != nil && who.user != "" && !strings.EqualFold(*r.RequiresOwner, who.user) {
		refused := denial("no-rule", "Only the owner of this device may reach this resource with it.")
		// What is only reported keeps nobody out; what is held back was never let in for anybody else.
		*refused.Enforced = r.isEnforced() || r.HeldUntil != nil
		return refused
	}
	return r
}

// decisionOf takes over what can be used; an error means that the device is denied everything.
func decisionOf(from *decisionData, sequence uint64) (*decision, error) {
	if from.PostureRevision == nil || from.PolicyRevision == nil || from.Resources == nil || from.ReviewAt == nil {
		return nil, errors.New("it lacks revisions, resources or reviewAt")
	}
	d := decision{
		revisions: revisions{*from.PostureRevision, *from.PolicyRevision},
		resources: from.Resources,
		sequence:  sequence,
		readable:  true,
	}
	if from.Identity != nil {
		d.identity = *from.Identity
	}
	if string(from.ReviewAt) != "null" {
		if err := json.Unmarshal(from.ReviewAt, &d.reviewAt); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

func (d *decision) has(resource string) bool {
	if d == nil || !d.readable {
		return false
	}
	_, ok := d.resources[resource]
	return ok
}

// isEnforced is the stricter answer where nothing is said.
func (r ruling) isEnforced() bool { return r.Enforced == nil || *r.Enforced }

// strengthOf orders proofs; no proof said is one by address, and a least proof that is unknown is never reached.
func strengthOf(proof string) int {
	switch proof {
	case "", "address":
		return 1
	case "token":
		return 2
	case "certificate":
		return 3
	}
	return 4
}

func isPast(limit *time.Time, now time.Time) bool {
	return limit != nil && !limit.IsZero() && !now.Before(*limit)
}

func denial(code, message string) ruling {
	enforced := true
	return ruling{Effect: "deny", Enforced: &enforced, Reasons: []reason{{code, message}}}
}

func deny(reasons ...reason) verdict {
	return verdict{Effect: "deny", Reasons: append([]reason{}, reasons...)}
}
