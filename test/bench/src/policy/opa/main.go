// Evaluates a Rego policy with OPA embedded, for the benchmark of policy evaluation.
//
//	opa-bench measure <policy.rego> <devices.json>
//	    writes {"version","allowed"} with one decision for each device, then for each line of
//	    milliseconds that it reads evaluates for so long and writes {"evaluations","seconds"}
//	opa-bench wasm <policy.rego> <policy.wasm>
//	    compiles the policy for @open-policy-agent/opa-wasm
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/compile"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/version"
)

const batch = 64

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 3 && arguments[0] == "measure" {
		return measure(arguments[1], arguments[2])
	}
	if len(arguments) == 3 && arguments[0] == "wasm" {
		return compileToWasm(arguments[1], arguments[2])
	}
	return fmt.Errorf("usage: opa-bench measure <policy.rego> <devices.json> | opa-bench wasm <policy.rego> <policy.wasm>")
}

func compileToWasm(policy, target string) error {
	compiler := compile.New().WithTarget(compile.TargetWasm).WithEntrypoints("stance/allow").WithPaths(policy)
	if err := compiler.Build(context.Background()); err != nil {
		return err
	}
	modules := compiler.Bundle().WasmModules
	if len(modules) != 1 {
		return fmt.Errorf("expected one module, got %d", len(modules))
	}
	return os.WriteFile(target, modules[0].Raw, 0o644)
}

func measure(policy, devices string) error {
	text, err := os.ReadFile(policy)
	if err != nil {
		return err
	}
	inputs, err := readInputs(devices)
	if err != nil {
		return err
	}
	query, err := rego.New(rego.Query("data.stance.allow"), rego.Module("policy.rego", string(text))).
		PrepareForEval(context.Background())
	if err != nil {
		return err
	}
	decisions := make([]bool, len(inputs))
	for index, input := range inputs {
		if decisions[index], err = decide(query, input); err != nil {
			return err
		}
	}
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(map[string]any{"version": version.Version, "allowed": decisions}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	next := 0
	for lines.Scan() {
		milliseconds, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		startedAt := time.Now()
		evaluations := 0
		for time.Since(startedAt) < time.Duration(milliseconds)*time.Millisecond {
			for range batch {
				if _, err := decide(query, inputs[next]); err != nil {
					return err
				}
				next = (next + 1) % len(inputs)
			}
			evaluations += batch
		}
		answer := map[string]any{"evaluations": evaluations, "seconds": time.Since(startedAt).Seconds()}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// readInputs makes values of OPA's own of the devices, so that no conversion is measured.
func readInputs(file string) ([]ast.Value, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var devices []map[string]any
	if err := json.Unmarshal(text, &devices); err != nil {
		return nil, err
	}
	inputs := make([]ast.Value, len(devices))
	for index, device := range devices {
		if inputs[index], err = ast.InterfaceToValue(device); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

func decide(query rego.PreparedEvalQuery, input ast.Value) (bool, error) {
	results, err := query.Eval(context.Background(), rego.EvalParsedInput(input))
	if err != nil {
		return false, err
	}
	return results.Allowed(), nil
}
