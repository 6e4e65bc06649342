package ops

import (
	"context"
	"fmt"
	"strconv"

	"portolan/care"
	"portolan/collections"
	"portolan/seal"
)

const keysUsage = `status|init|split|unlock|rotate [flags]

The root key of the hub, under which everything lies sealed.

  status   how the key is kept, and whether the hub is locked
  init     writes the key file anew: in clear, or under a passphrase (--passphrase);
           the hub that takes one starts locked. Where the key is split it is
           not written in clear
  split    prints shares of the key for custodians (--shares, --need), and asks
           for enough of them again; with --remove-key-file the hub then starts
           locked, and takes shares
  unlock   opens a running hub that started locked: asks for the passphrase, or
           for shares
  rotate   begins a new epoch of keys and wraps every data key anew, beside the
           hub's work; --root gives it a new root key too, and with it a new key
           file: shares of the old one open nothing afterwards. Where no key file
           lies in clear none is made so: --passphrase puts the new one under a
           passphrase, --remove-key-file splits it (--shares, --need) and writes
           no file at all

Whoever may write to the hub's folder and has its key may do this.
`

// keysFlags is what the commands about keys take.
type keysFlags struct {
	dir                string
	passphrase, remove bool
	root               bool
	shares, need       int
}

// Keys is the commands about the root key.
func Keys(ctx context.Context, env Env, args []string) int {
	fs := env.flags("keys")
	var f keysFlags
	fs.StringVar(&f.dir, "dir", DefaultDir, "the hub's `folder`")
	fs.BoolVar(&f.passphrase, "passphrase", false, "ask for a passphrase and put the key file under it")
	fs.IntVar(&f.shares, "shares", 5, "into how many shares the key is split")
	fs.IntVar(&f.need, "need", 3, "how many of them open the hub")
	fs.BoolVar(&f.remove, "remove-key-file", false, "remove the key file once enough shares were given again (split, rotate --root)")
	fs.BoolVar(&f.root, "root", false, "a new root key too")
	words, exit, stop := env.parse(fs, args, keysUsage)
	if stop {
		return exit
	}
	acts := map[string]func(context.Context, Env, *collections.Hub, keysFlags) error{
		"status": keysStatus, "init": keysInit, "split": keysSplit, "unlock": keysUnlock, "rotate": keysRotate,
	}
	if len(words) != 1 || acts[words[0]] == nil {
		return env.misused(fs, keysUsage, "say status, init, split, unlock or rotate")
	}
	hub, done, err := env.openAny(ctx, f.dir)
	if err != nil {
		return env.Fail(err)
	}
	defer done()
	if words[0] != "status" && words[0] != "unlock" {
		if err := env.opened(ctx, hub); err != nil {
			return env.Fail(err)
		}
	}
	if err := acts[words[0]](ctx, env, hub, f); err != nil {
		return env.Fail(err)
	}
	return ExitOK
}

func keysStatus(ctx context.Context, env Env, hub *collections.Hub, _ keysFlags) error {
	s, err := hub.KeyState(ctx)
	if err != nil {
		return err
	}
	state := "unlocked"
	if s.Locked {
		state = "locked"
	}
	kept := map[string]string{"plain": "in clear", "passphrase": "under a passphrase", "missing": "not there", "damaged": "damaged"}[s.Kind]
	fmt.Fprintf(env.Stdout, "state      %s\nroot key   %s\nkey file   %s (%s)\n", state, s.Root, s.File, kept)
	switch {
	case s.Stale:
		fmt.Fprintf(env.Stdout, "shares     STALE: the %d of %s are of an earlier root key and open nothing; split this one (`%s keys split`)\n", s.Custody.Shares, s.Custody.At, env.Program)
	case s.Custody.Shares > 0:
		fmt.Fprintf(env.Stdout, "shares     %d, of which %d open it, since %s\n", s.Custody.Shares, s.Custody.Need, s.Custody.At)
	}
	fmt.Fprintf(env.Stdout, "key keys   %d\ndata keys  %d\n", s.Epochs, s.Keys)
	if s.Epoch > 0 {
		since := ""
		if s.Rotated != "" {
			since = ", since " + s.Rotated
		}
		fmt.Fprintf(env.Stdout, "epoch      %d%s\ncopies     %d folders of backups, %d not reached now\n", s.Epoch, since, s.Copies, s.Unreached)
	}
	if s.Left > 0 {
		fmt.Fprintf(env.Stdout, "rotation   %d keys left\n", s.Left)
	}
	if s.Waiting+s.Refused > 0 {
		fmt.Fprintf(env.Stdout, "intake     %d pushes wait, %d were refused: their tablets have them still\n", s.Waiting, s.Refused)
	}
	return nil
}

// newPassphrase asks twice for a passphrase of something.
func (e Env) newPassphrase(ctx context.Context, of string) (string, error) {
	first, err := e.Ask(ctx, "New passphrase of "+of+" (five plain words or more): ")
	if err != nil {
		return "", err
	}
	if len(first) < seal.PassphraseLengthMin {
		return "", collections.ErrPassphraseShort
	}
	again, err := e.Ask(ctx, "Once more: ")
	if err == nil && again != first {
		err = &care.Error{Code: "passphrase_differs", Kind: care.Invalid, Hint: "The two differ. Nothing was changed."}
	}
	return first, err
}

func keysInit(ctx context.Context, env Env, hub *collections.Hub, f keysFlags) error {
	passphrase := ""
	if f.passphrase {
		var err error
		if passphrase, err = env.newPassphrase(ctx, "the hub's key"); err != nil {
			return err
		}
	}
	if err := hub.KeepKey(ctx, passphrase); err != nil {
		return err
	}
	if passphrase == "" {
		fmt.Fprint(env.Stdout, keyWarning(hub))
		return nil
	}
	fmt.Fprintf(env.Stdout, "The key lies in %s under the passphrase. From its next start on the hub is locked until `%s keys unlock`. Copies of the earlier key file still open it: destroy them.\n", hub.KeyFile(), env.Program)
	return nil
}

func keysSplit(ctx context.Context, env Env, hub *collections.Hub, f keysFlags) error {
	shares, err := hub.SplitKey(ctx, f.shares, f.need)
	if err != nil {
		return err
	}
	env.printShares(shares)
	if !f.remove {
		fmt.Fprintf(env.Stdout, "The key file %s still opens the hub too; --remove-key-file takes it away.\n", hub.KeyFile())
		return nil
	}
	fmt.Fprintf(env.Stdout, "Before the key file goes, %d of them are asked for, as they were written down.\n", f.need)
	typed, err := env.askShares(ctx)
	if err != nil {
		return err
	}
	if err := hub.RemoveKeyFile(ctx, typed); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "The key file is gone. From its next start on the hub is locked until `%s keys unlock`. Copies of the key file still open it: destroy them.\n", env.Program)
	return nil
}

func (e Env) printShares(shares []seal.Share) {
	fmt.Fprintf(e.Stdout, "Any %d of these %d shares open the hub; fewer say nothing about its key. Each is for one person, written down by hand or printed, and kept apart from the others.\n\n", shares[0].Need, len(shares))
	for _, s := range shares {
		fmt.Fprintf(e.Stdout, "Share %d of %d:\n  %s\n\n", s.Number(), len(shares), s.Text())
	}
}

// askShares asks for shares until there are enough: the first one says how
// many that is.
func (e Env) askShares(ctx context.Context) ([]seal.Share, error) {
	var shares []seal.Share
	for len(shares) == 0 || len(shares) < shares[0].Need {
		prompt := "A share: "
		if len(shares) > 0 {
			prompt = "Share " + strconv.Itoa(len(shares)+1) + " of " + strconv.Itoa(shares[0].Need) + ": "
		}
		text, err := e.Ask(ctx, prompt)
		if err != nil {
			return nil, err
		}
		s, err := seal.ParseShare(text)
		if err != nil {
			return nil, err
		}
		shares = append(shares, s)
	}
	return shares, nil
}

func keysUnlock(ctx context.Context, env Env, hub *collections.Hub, f keysFlags) error {
	if !hub.Locked() {
		fmt.Fprintln(env.Stdout, "The hub is not locked.")
		return nil
	}
	if env.running == nil {
		return &care.Error{Code: "hub_not_running", Kind: care.Conflict, Hint: "No hub runs in this folder. Start it with `" + env.Program + " serve`; it starts locked, and takes its key then."}
	}
	if err := env.unlock(ctx, hub); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "The hub is unlocked.")
	return nil
}

const askPassphrase = "Passphrase of the hub's key: "

// unlock asks for what opens a locked hub. Where both a passphrase and shares
// do, no passphrase asks for shares: one that is forgotten locks nobody out.
func (e Env) unlock(ctx context.Context, hub *collections.Hub) error {
	shared, err := hub.TakesShares(ctx)
	if err != nil {
		return err
	}
	if hub.TakesPassphrase() {
		prompt := askPassphrase
		if shared {
			prompt = "Passphrase of the hub's key (nothing, to give shares instead): "
		}
		passphrase, err := e.Ask(ctx, prompt)
		if err != nil {
			return err
		}
		if passphrase != "" || !shared {
			return hub.UnlockWithPassphrase(ctx, passphrase)
		}
	}
	shares, err := e.askShares(ctx)
	if err != nil {
		return err
	}
	return hub.UnlockWithShares(ctx, shares)
}

// rotateRoot gives the hub a new root key: in shares, or in a key file.
func (e Env) rotateRoot(ctx context.Context, hub *collections.Hub, f keysFlags) error {
	var unreached []string
	var err error
	where := "in " + hub.KeyFile()
	if f.remove {
		where = "in these shares alone"
		unreached, err = hub.RotateRootInShares(ctx, f.shares, f.need, func(shares []seal.Share) ([]seal.Share, error) {
			e.printShares(shares)
			fmt.Fprintf(e.Stdout, "Before anything is changed, %d of them are asked for, as they were written down.\n", f.need)
			return e.askShares(ctx)
		})
	} else {
		passphrase := ""
		if f.passphrase || hub.TakesPassphrase() {
			if passphrase, err = e.newPassphrase(ctx, "the hub's key"); err != nil {
				return err
			}
		}
		unreached, err = hub.RotateRoot(ctx, passphrase)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "The hub has a new root key, %s. Copies and shares of the old one open nothing here any more.\n", where)
	s, err := hub.KeyState(ctx)
	if err != nil {
		return err
	}
	if s.Stale {
		fmt.Fprintf(e.Stdout, "SPLIT IT AGAIN: the %d shares of %s open nothing any more. `%s keys split` makes new ones; until then the key file alone opens the hub. Have the old shares destroyed.\n", s.Custody.Shares, s.Custody.At, e.Program)
	}
	for _, folder := range unreached {
		fmt.Fprintf(e.Stdout, "The copy of the keys in %s could not be reached: it opens with the old key until the next backup there.\n", folder)
	}
	return nil
}

func keysRotate(ctx context.Context, env Env, hub *collections.Hub, f keysFlags) error {
	if f.root {
		if err := env.rotateRoot(ctx, hub, f); err != nil {
			return err
		}
	}
	if err := hub.RotateKeys(ctx); err != nil {
		return err
	}
	if env.running != nil {
		fmt.Fprintf(env.Stdout, "A new epoch has begun; the hub wraps its data keys anew beside its work. `%s keys status` says how far it is.\n", env.Program)
		return nil
	}
	if err := hub.WaitRotated(); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "A new epoch has begun, and every data key is wrapped anew.")
	return nil
}
