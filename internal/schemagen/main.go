// Command schemagen prints the migration that makes every collection of
// care.Schema. It was the source of the first schema migration; a later field
// gets a migration of its own.
//
//	go run ./internal/schemagen > pb_migrations/20261120000300_schema.go
package main

import (
	"bufio"
	"fmt"
	"os"

	"portolan/care"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	fmt.Fprint(w, "package pb_migrations\n\n// Made by internal/schemagen from care.Schema.\n\nfunc init() {\n\tcreateCollections(\"20261120000300_schema.go\", []collection{\n")
	for _, e := range care.Schema {
		fmt.Fprintf(w, "\t\t{%q, []field{\n", e.Name)
		for _, f := range e.Fields {
			kind := "sealed"
			switch {
			case f.Routing && f.Type == care.Ref:
				kind = "link"
			case f.Routing:
				kind = "clear"
			}
			fmt.Fprintf(w, "\t\t\t{%q, %s},\n", f.Name, kind)
		}
		fmt.Fprint(w, "\t\t}},\n")
	}
	fmt.Fprint(w, "\t})\n}\n")
}
