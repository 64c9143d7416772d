package recipe_test

import (
	"fmt"

	"repro/recipe"
)

// Everything that is wrong with a recipe comes back at once.
func ExampleParse() {
	_, err := recipe.Parse("repro.yaml", []byte(`repro: 1
tittle: Norris, again
authors:
  - {name: Josiah Carberry, orcid: 0000-0002-1825-0098}
environment: {host: [sh, awk]}
steps:
  - {name: fit, command: [sh, run.sh], memory: 512}
`))
	fmt.Println(err)
	// Output:
	// repro.yaml:1:1: recipe: key "title" is missing
	// repro.yaml:2:1: recipe: unknown key "tittle": did you mean "title"?
	// repro.yaml:4:36: orcid: "0000-0002-1825-0098": the last character is a check digit and does not fit the others: a digit was mistyped
	// repro.yaml:7:48: memory: "512" has no unit: want a size with its unit, such as 512 MiB or 2 GB
}
