// Package ops is what an operator types: the commands of the portolan
// program, the lock that keeps one process a folder, and the socket by which
// a command reaches the hub that runs there.
package ops

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Command is one of the commands of the program.
type Command struct {
	Name  string // what is typed
	Usage string // what may follow it
	Doc   string // what it does, in one line
	Run   func(ctx context.Context, env Env, args []string) int
}

// Commands lists every command in the order in which help shows them. A new
// command is one line here, its file, and its part of docs/operating.md.
func Commands() []Command {
	return []Command{
		{"serve", "[--dir D] [--key-file F] [--listen ADDR] [--tls-cert F --tls-key F | --acme-host NAME | --insecure-http] [--trusted-proxy CIDR]", "run the hub (what happens with no command at all)", Serve},
		{"demo", "[--dir D] [--key-file F] [--listen ADDR] [--people N] [--seed S]", "a hub with invented people, to look at and to try", Demo},
		{"user", "add|list|role|password|disable|second-factor|waiting|approve|stop [--dir D] [LOGIN|ID] [--role R] [--name NAME] [--as LOGIN]", "accounts of staff", User},
		{"totp", "SECRET", "the code of the moment, as an authenticator app shows it", TOTP},
		{"device", "code|list|revoke [--dir D] [ID] [--for LOGIN] --as LOGIN", "tablets: one-time codes, who has which, revoke one that was lost", Device},
		{"lease", "show|set [--dir D] [DAYS] [--role R] --as LOGIN", "for how long tablets open without meeting the hub", Lease},
		{"held", "list|show|accept|decline [--dir D] [N] [--own] [--why W] --as LOGIN", "what the hub kept aside, for a person to decide", Held},
		{"tablet", "--dir T enrol|sync|list|show|new|set|conflicts|watch …", "a tablet without a screen: a client that works offline", Tablet},
		{"import", "htcds|fhir [--dir D] [--as LOGIN] [--org ID] FILE…", "read files of other systems into cases: HTCDS tables and submissions, FHIR R4 bundles", Import},
		{"summary", "[--dir D] --as LOGIN --case ID [--to COUNTRY] [--languages es,en] --out FILE", "make the care summary of a case, as a member of staff", Summary},
		{"handout", "[--dir D] --as LOGIN --case ID [--edition paper|phone|both|nothing] [--sections S] --out FILE", "hand a summary out with the person there: the words, the code on the paper, the file for a telephone", HandOutSummary},
		{"capsule", "open [--dir D] --as LOGIN [--import] FILE|-", "open the code on a paper with its words, look whether a trusted hub signed it, take it in", Capsule},
		{"trust", "show|list|add|remove [--dir D] --as LOGIN [KEY] [--name N] [--heard DIGITS]", "the hubs whose signature counts here", Trust},
		{"audit", "verify|export|prove|events|who-saw|checkpoint|key|key rotate [--dir D] [--as LOGIN] …", "the log of who did what with whose data: check it, copy it out, look into it", Audit},
		{"ended", "[--dir D] --as LOGIN --and LOGIN", "go on with a list of what ended that was cut, as two people agree", Ended},
		{"erase", "[--dir D] --as LOGIN --case ID", "erase a case for good, once a second person has agreed", Erase},
		{"export", "[ask] [--dir D] --as LOGIN --purpose P --recipient R [--case ID]… [--reason W] [--out FILE] | open FILE --out FOLDER", "take the records of many people out, as they agreed, once a second person has", Export},
		{"keys", "status|init|split|unlock|rotate [--dir D] [--passphrase] [--shares N --need K] [--remove-key-file] [--root]", "the hub's root key: how it is kept, unlocking, new epochs", Keys},
		{"verify", "[--dir D]", "check database, change log, digests and files, and count them", Verify},
		{"backup", "[--dir D] --out FILE", "copy the whole hub into one sealed file while it runs, and try the copy", Backup},
		{"restore", "[--dir D] [--key-file F] [--shares] [--keys K] [--erased L] [--ended L] FILE", "put a backup into an empty folder", Restore},
		{"version", "", "print the version", Version},
	}
}

// The exit codes of every command.
const (
	ExitOK        = 0
	ExitFault     = 1 // it did not work, or something is wrong with what was checked
	ExitUsage     = 2 // what was typed makes no sense
	ExitInUse     = 3 // the folder is in use and its hub does not answer
	ExitForbidden = 4 // sign-in failed, or this person may not do it
)

// Main runs the command that args begins with.
func Main(ctx context.Context, env Env, args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") && !isHelp(args[0]) {
		args = append([]string{"serve"}, args...)
	}
	name, rest := args[0], args[1:]
	if isHelp(name) || name == "help" {
		return help(env, rest)
	}
	for _, c := range Commands() {
		if c.Name == name {
			env.command = args
			return c.Run(ctx, env, rest)
		}
	}
	fmt.Fprintf(env.Stderr, "portolan: there is no command %q\n\n", name)
	writeHelp(env.Stderr)
	return ExitUsage
}

func isHelp(s string) bool { return s == "-h" || s == "--help" || s == "-help" }

func help(env Env, args []string) int {
	if len(args) == 0 {
		writeHelp(env.Stdout)
		return ExitOK
	}
	for _, c := range Commands() {
		if c.Name == args[0] {
			return c.Run(context.Background(), env, []string{"--help"})
		}
	}
	fmt.Fprintf(env.Stderr, "portolan: there is no command %q\n", args[0])
	return ExitUsage
}

func writeHelp(w io.Writer) {
	fmt.Fprint(w, "Portolan keeps the records of people in care.\n\nUsage: portolan COMMAND …\n\n")
	for _, c := range Commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.Name, c.Doc)
	}
	fmt.Fprint(w, "\nportolan COMMAND --help says more. With no command the hub runs in ./portolan-data.\n")
}
