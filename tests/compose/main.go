// Loads a compose file with the loader of Docker Compose itself and prints the project as JSON.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithEnvFiles(os.Args[2]), cli.WithDotEnv)
	if err == nil {
		if project, loadErr := options.LoadProject(context.Background()); loadErr == nil {
			content, _ := project.MarshalJSON()
			fmt.Println(string(content))
			return
		} else {
			err = loadErr
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
