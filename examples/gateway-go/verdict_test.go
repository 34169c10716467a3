package main

import (
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func rule(effect string, enforced bool) ruling {
	return ruling{Effect: effect, Enforced: &enforced, Reasons: []reason{{"condition-false", "It is infected."}}}
}

func about(r ruling) *decision {
	return &decision{revisions: revisions{1, 1}, resources: map[string]ruling{"wiki": r}, readable: true}
}

func TestVerdicts(t *testing.T) {
	anna, nobody, past, later := "Anna@example.com", "", now, now.Add(time.Minute)
	owned := func(r ruling, owner *string) *decision { r.RequiresOwner = owner; return about(r) }
	until := func(r ruling, at *time.Time) *decision { r.Until = at; return about(r) }
	held := func() *decision { r := rule("deny", false); r.HeldUntil = &later; return about(r) }
	reviewed := func(at time.Time) *decision { d := about(rule("allow", true)); d.reviewAt = at; return d }
	proved := func(least string) *decision { d := about(rule("allow", true)); d.identity = least; return d }
	for name, c := range map[string]struct {
		s    situation
		who  asker
		code string // Of the denial; empty where it lets in.
	}{
		"an allow":                            {situation{decision: about(rule("allow", true))}, asker{}, ""},
		"a deny":                              {situation{decision: about(rule("deny", true))}, asker{}, "condition-false"},
		"a deny that is reported":             {situation{decision: about(rule("deny", false))}, asker{}, ""},
		"a deny that does not say":            {situation{decision: about(ruling{Effect: "deny", Reasons: []reason{{"no-rule", ""}}})}, asker{}, "no-rule"},
		"an effect that is unknown":           {situation{decision: about(rule("ask", true))}, asker{}, "decision-missing"},
		"no decision":                         {situation{}, asker{}, "decision-missing"},
		"one that cannot be read":             {situation{decision: &decision{}}, asker{}, "decision-missing"},
		"a silent engine":                     {situation{decision: about(rule("allow", true)), engine: silent}, asker{}, "engine-silent"},
		"an engine ahead":                     {situation{decision: about(rule("allow", true)), engine: behind}, asker{}, "engine-silent"},
		"a deny while silent":                 {situation{decision: about(rule("deny", true)), engine: silent}, asker{}, "condition-false"},
		"a revocation before":                 {situation{decision: about(rule("allow", true)), floor: &revisions{2, 1}}, asker{}, "awaiting-decision"},
		"a review to come":                    {situation{decision: reviewed(later)}, asker{}, ""},
		"a review that is due":                {situation{decision: reviewed(past)}, asker{}, "decision-expired"},
		"a warning":                           {situation{decision: until(rule("warn", true), &later)}, asker{}, ""},
		"a warning that is over":              {situation{decision: until(rule("warn", true), &past)}, asker{}, "decision-expired"},
		"a held deny, in a session":           {situation{decision: held(), inSession: true}, asker{}, ""},
		"a held deny, without":                {situation{decision: held()}, asker{}, "condition-false"},
		"the owner":                           {situation{decision: owned(rule("allow", true), &anna)}, asker{user: "anna@EXAMPLE.com"}, ""},
		"another user":                        {situation{decision: owned(rule("allow", true), &anna)}, asker{user: "bob@example.com"}, "no-rule"},
		"no user":                             {situation{decision: owned(rule("allow", true), &anna)}, asker{}, ""},
		"a user of nobody's device":           {situation{decision: owned(rule("allow", true), &nobody)}, asker{user: "bob@example.com"}, "no-rule"},
		"another user, only reported":         {situation{decision: owned(rule("deny", false), &anna)}, asker{user: "bob@example.com"}, ""},
		"a proof that is enough":              {situation{decision: proved("token")}, asker{proof: "certificate"}, ""},
		"a proof that is too weak":            {situation{decision: proved("token")}, asker{}, "identity-missing"},
		"a least proof that nobody heard of":  {situation{decision: proved("dna")}, asker{proof: "certificate"}, "identity-missing"},
		"another resource than those decided": {situation{decision: &decision{readable: true, resources: map[string]ruling{}}}, asker{}, "decision-missing"},
	} {
		c.s.now = now
		if c.code != "engine-silent" && name != "a deny while silent" {
			c.s.engine = fresh
		}
		got := verdictOf(c.s, "wiki", c.who)
		if got.Allowed != (c.code == "") || !got.Allowed && got.Reasons[0].Code != c.code {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFloors(t *testing.T) {
	f := floors{}
	f.raise("d", "wiki", revisions{5, 2}, &decision{revisions: revisions{5, 2}})
	if f.get("d", "wiki") != nil {
		t.Error("a decision that is as new asks for no other")
	}
	f.raise("d", "wiki", revisions{5, 1}, nil)
	f.raise("d", "wiki", revisions{4, 2}, nil)
	for _, short := range []revisions{{5, 1}, {4, 2}} {
		if f.settle("d", short); f.get("d", "wiki") == nil {
			t.Errorf("%v does not reach both", short)
		}
	}
	if f.settle("d", revisions{5, 2}); len(f) != 0 {
		t.Error("what is reached is let go of")
	}
}

func TestEngineWatch(t *testing.T) {
	e := engineWatch{maxSilence: time.Minute, maxBehind: 5 * time.Second}
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	expect := func(why string, seconds int, wanted engineState) {
		t.Helper()
		if got := e.state(at(seconds)); got != wanted {
			t.Errorf("%s: %d, not %d", why, got, wanted)
		}
	}
	expect("never heard", 0, silent)
	e.heard(7, at(0))
	expect("heard, and not reached", 0, silent)
	e.reached(7)
	expect("heard and reached", 0, fresh)
	e.heard(9, at(10))
	expect("short for a moment", 15, fresh)
	expect("short for too long", 16, behind)
	e.heard(12, at(16))
	e.reached(9)
	expect("the first is reached", 17, fresh)
	expect("the second is not", 22, behind)
	e.reached(12)
	expect("reached", 22, fresh)
	expect("not heard again", 77, silent)
	e.startOver()
	expect("another stream", 22, silent)
	for n := range uint64(200) {
		e.heard(n+1, at(30))
	}
	if len(e.awaited) > maxAwaited {
		t.Errorf("%d reports wait", len(e.awaited))
	}
}
