package collections_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portolan/care"
	"portolan/collections"
	"portolan/internal/hubtest"
)

// told is every act on accounts that the audit log holds, in order, as
// "act reason".
func told(t *testing.T, h *hubtest.Hub, staff string) (out []string) {
	t.Helper()
	events, err := collections.Events(t.Context(), h.Hub)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		for _, on := range e.On {
			if on.Collection == "accounts" && slices.Contains(on.Records, staff) {
				out = append(out, e.Act+" "+on.Reason)
			}
		}
	}
	return out
}

// TestWhatHappensToAnAccountIsInTheAuditLog, good and bad.
func TestWhatHappensToAnAccountIsInTheAuditLog(t *testing.T) {
	h := hubtest.New(t)
	a, login := h.Staff(t, care.Coordinator)
	good := h.Credentials(t, login)
	for _, bad := range []collections.Credentials{{Login: login, Password: "wrong"}, {Login: login, Password: hubtest.Password, Code: "000000"}} {
		if _, err := h.SignIn(t.Context(), bad); !errors.Is(err, collections.ErrSignIn) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	in, err := h.SignInAtDesk(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.SignInAtDesk(t.Context(), good); !errors.Is(err, collections.ErrSignIn) {
		t.Errorf("the same code again: %v", err)
	}
	if _, err := h.NewRecoveryCodes(t.Context(), in.Actor); err != nil {
		t.Fatal(err)
	}
	if err := h.SignOut(t.Context(), in.Actor, in.Session, false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ConsolePassword(t.Context(), login, "another long password", ""); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(told(t, h, a.Staff), ", ")
	want := "account made, second_factor set_up_totp, sign_in signin_failed, sign_in signin_failed, sign_in second_factor_totp, " +
		"sign_in signin_failed, second_factor recovery_codes_made, sign_out own, password set"
	if got != want {
		t.Errorf("the log says\n%s\nand should say\n%s", got, want)
	}
}

// TestTheDatabaseHoldsNoSecretOfASignIn: whoever reads it can make no token
// and no code.
func TestTheDatabaseHoldsNoSecretOfASignIn(t *testing.T) {
	h := hubtest.New(t)
	a, login := h.Staff(t, care.Outreach)
	recovery := h.SetUpTOTP(t, a, login)
	in, err := h.SignInAtDesk(t.Context(), h.Credentials(t, login))
	if err != nil {
		t.Fatal(err)
	}
	made, err := h.BeginTOTP(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(recovery, in.Session, in.Token, made.Secret)
	for _, table := range []string{"sign_ins", "second_factors", "recovery_codes", "accounts"} {
		rows := []map[string]string{}
		found, err := h.App().DB().NewQuery("SELECT * FROM " + table).Rows()
		if err != nil {
			t.Fatal(err)
		}
		columns, err := found.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for found.Next() {
			values := make([]string, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := found.Scan(into...); err != nil {
				t.Fatal(err)
			}
			row := map[string]string{}
			for i, c := range columns {
				row[c] = values[i]
				for _, s := range secrets {
					if strings.Contains(values[i], s) || strings.Contains(values[i], strings.ReplaceAll(s, "-", "")) {
						t.Errorf("%s.%s holds a secret", table, c)
					}
				}
			}
			rows = append(rows, row)
		}
		found.Close()
		if len(rows) == 0 {
			t.Errorf("%s is empty: the test proves nothing", table)
		}
	}
}

// TestABegunSecondFactorCountsForNothing, and the last one stays for whoever
// needs one.
func TestABegunSecondFactorCountsForNothing(t *testing.T) {
	h := hubtest.New(t)
	a, login := h.Staff(t, care.Outreach)
	if _, err := h.BeginTOTP(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	in, err := h.SignInAtDesk(t.Context(), collections.Credentials{Login: login, Password: hubtest.Password})
	if err != nil || in.Actor.Unproved {
		t.Fatalf("asked for a second factor that was only begun: %v", err)
	}
	h.SetUpTOTP(t, a, login)
	if _, err := h.SignIn(t.Context(), collections.Credentials{Login: login, Password: hubtest.Password}); !errors.Is(err, collections.ErrSecondFactor) {
		t.Errorf("whoever has one is not asked for it: %v", err)
	}
	in, err = h.SignInAtDesk(t.Context(), h.Credentials(t, login))
	if err != nil {
		t.Fatal(err)
	}
	state, err := h.SecondFactors(t.Context(), in.Actor, in.Session)
	if err != nil || len(state.Factors) != 1 || state.RecoveryCodes != 10 {
		t.Fatalf("%+v %v", state, err)
	}
	stranger, _ := h.Staff(t, care.Outreach)
	if err := h.RemoveFactor(t.Context(), stranger, "", state.Factors[0].ID); !errors.Is(err, care.ErrNotFound) {
		t.Errorf("somebody else's is removed: %v", err)
	}
	if err := h.RemoveFactor(t.Context(), in.Actor, in.Session, state.Factors[0].ID); err != nil {
		t.Error(err)
	}
	if state, err = h.SecondFactors(t.Context(), in.Actor, in.Session); err != nil || len(state.Factors)+state.RecoveryCodes != 0 {
		t.Errorf("%+v %v", state, err)
	}
}

// TestUnprovedSeesNothing: the actor themselves, past the routes.
func TestUnprovedSeesNothing(t *testing.T) {
	h := hubtest.New(t)
	_, login := h.Staff(t, care.Coordinator)
	a, err := h.SignIn(t.Context(), collections.Credentials{Login: login, Password: hubtest.Password})
	if !errors.Is(err, collections.ErrSecondFactor) || !a.Unproved {
		t.Fatal(a, err)
	}
	for _, p := range care.PowersOf(care.Coordinator) {
		if a.Can(p) {
			t.Errorf("has the power %s", p)
		}
	}
	if rows, err := h.List(t.Context(), a, collections.Query{Collection: "staff"}); len(rows) > 0 {
		t.Errorf("sees %d colleagues, %v", len(rows), err)
	}
	if receipts, err := h.Do(t.Context(), a, collections.Draft{Collection: "cases", Set: map[string]care.Value{"status": care.OfText("Active"), "owner": care.OfText(a.Staff)}}); err == nil && collections.Refused(receipts) == nil {
		t.Error("opens a case")
	}
	if _, err := h.NewEnrolment(t.Context(), a, a.Staff); !errors.Is(err, collections.ErrNoPower) {
		t.Errorf("makes a code: %v", err)
	}
}

// TestARestoredHubBringsNoSignInBack: what was ended since the copy was made
// stays ended.
func TestARestoredHubBringsNoSignInBack(t *testing.T) {
	h := hubtest.New(t)
	a, login := h.Staff(t, care.Outreach)
	h.Staff(t, care.Coordinator)
	h.Staff(t, care.ProtectionOfficer)
	if _, err := h.ConsoleRoles(t.Context(), a.Staff, []care.Role{care.Coordinator}, false); err != nil {
		t.Fatal(err)
	}
	h.Clock.Move(collections.WaitTerm - time.Hour)
	in, err := h.SignInAtDesk(t.Context(), h.Credentials(t, login))
	if err != nil {
		t.Fatal(err)
	}
	code := h.Code(t, a.Staff)
	if err := h.NewEpoch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live, err := h.SessionLive(t.Context(), a.Staff, in.Session); err != nil || live {
		t.Errorf("the sign-in goes on: %v", err)
	}
	if _, err := h.Enrol(t.Context(), code, h.Owner(t, a.Staff), make([]byte, 32), "t"); !errors.Is(err, collections.ErrCode) {
		t.Errorf("the code is good: %v", err)
	}
	h.Clock.Move(2 * time.Hour)
	tend(t, h)
	if h.Reload(t, a.Staff).Can(care.MayApprove) {
		t.Error("what waited is done, though it may have been stopped")
	}
}
