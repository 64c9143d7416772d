package cli

import (
	"github.com/urfave/cli/v2"

	"repro/attest/statement"
	"repro/recipe"
	"repro/verify/policy"
)

func schemaCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of the recipe, the policy or attested reproductions",
		ArgsUsage: "[recipe|policy|reproduction]",
		Description: `For editors that check a file as it is written.

   repro schema >repro.schema.json
   repro schema policy >policy.schema.json`,
		Action: func(ctx *cli.Context) error {
			of, err := oneArgument(ctx, "recipe", "schema: name recipe, policy or reproduction")
			if err != nil {
				return err
			}
			schemas := map[string]func() []byte{"recipe": recipe.Schema, "policy": policy.Schema, "reproduction": statement.Schema}
			schema, known := schemas[of]
			if !known {
				return usagef("schema: %q: want recipe, policy or reproduction", of)
			}
			_, err = c.out.Write(schema())
			return err
		},
	}
}
