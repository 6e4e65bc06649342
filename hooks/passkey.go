package hooks

import (
	"encoding/base64"
	"encoding/json"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
	"portolan/signin"
)

// errNoSite says that this hub's address has no name that a passkey could be
// made for.
var errNoSite = &care.Error{Code: "passkeys_need_a_name", Kind: care.Unprocessed,
	Hint: "Browsers make passkeys only for a hub that is reached by a name, over https. Use an authenticator app."}

// bytes64 is base64url without padding, as browsers write what is binary.
type bytes64 []byte

func (b *bytes64) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.AppendDecode(nil, text)
	return err
}

// credential is a RegistrationResponseJSON or an AuthenticationResponseJSON
// (W3C Web Authentication, §5.1). What is not read may be there.
type credential struct {
	ID         string          `json:"id"`
	RawID      string          `json:"rawId"`
	Type       string          `json:"type"`
	Attachment string          `json:"authenticatorAttachment"`
	Extensions json.RawMessage `json:"clientExtensionResults"`
	Response   struct {
		ClientData        bytes64  `json:"clientDataJSON"`
		AuthenticatorData bytes64  `json:"authenticatorData"`
		PublicKey         bytes64  `json:"publicKey"`
		Algorithm         int      `json:"publicKeyAlgorithm"`
		Attestation       string   `json:"attestationObject"`
		Transports        []string `json:"transports"`
		Signature         bytes64  `json:"signature"`
		UserHandle        string   `json:"userHandle"`
	} `json:"response"`
}

// known is a credential as options name it.
type known struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func knownOf(ids []string) []known {
	out := make([]known, len(ids))
	for i, id := range ids {
		out[i] = known{"public-key", id}
	}
	return out
}

// atPasskey is in which sign-in, and for which site, somebody asks.
func (f *Front) atPasskey(e *core.RequestEvent) (session string, site signin.Site, err error) {
	if session, err = sessionOf(e); err != nil {
		return "", site, err
	}
	site, ok := signin.SiteOf(f.cfg.URL)
	if !ok {
		return "", site, errNoSite
	}
	return session, site, nil
}

// beginPasskey answers with PublicKeyCredentialCreationOptionsJSON.
func (f *Front) beginPasskey(e *core.RequestEvent, a care.Actor) error {
	session, site, err := f.atPasskey(e)
	if err != nil {
		return err
	}
	c, err := f.hub.BeginPasskey(e.Request.Context(), a, session)
	if err != nil {
		return err
	}
	type algorithm struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	var algorithms []algorithm
	for _, alg := range signin.Algorithms {
		algorithms = append(algorithms, algorithm{"public-key", alg})
	}
	return reply(e, map[string]any{"publicKey": map[string]any{
		"rp":                     map[string]string{"id": site.ID, "name": "Portolan"},
		"user":                   map[string]string{"id": base64.RawURLEncoding.EncodeToString([]byte(a.Staff)), "name": c.Login, "displayName": c.Login},
		"challenge":              c.Challenge,
		"pubKeyCredParams":       algorithms,
		"timeout":                passkeyTimeout,
		"attestation":            "none",
		"authenticatorSelection": map[string]string{"userVerification": "preferred", "residentKey": "discouraged"},
		"excludeCredentials":     knownOf(c.Known),
	}})
}

// passkeyTimeout is how long a browser waits for the touch, in milliseconds:
// as long as the challenge is good.
const passkeyTimeout = 5 * 60 * 1000

func (f *Front) addPasskey(e *core.RequestEvent, a care.Actor) error {
	session, site, err := f.atPasskey(e)
	if err != nil {
		return err
	}
	var in struct {
		Label      string     `json:"label"`
		Credential credential `json:"credential"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	r := in.Credential.Response
	codes, err := f.hub.AddPasskey(e.Request.Context(), a, session, in.Label, site, signin.Registration{
		ClientData: r.ClientData, AuthenticatorData: r.AuthenticatorData, PublicKey: r.PublicKey, Algorithm: r.Algorithm})
	if err != nil {
		return err
	}
	return reply(e, newFactor{"given", codes})
}

// askPasskey answers with PublicKeyCredentialRequestOptionsJSON.
func (f *Front) askPasskey(e *core.RequestEvent, a care.Actor) error {
	session, site, err := f.atPasskey(e)
	if err != nil {
		return err
	}
	c, err := f.hub.AskPasskey(e.Request.Context(), a, session)
	if err != nil {
		return err
	}
	return reply(e, map[string]any{"publicKey": map[string]any{
		"rpId": site.ID, "challenge": c.Challenge, "timeout": passkeyTimeout, "userVerification": "preferred", "allowCredentials": knownOf(c.Known)}})
}

// givePasskey gives the second factor with a passkey.
func (f *Front) givePasskey(e *core.RequestEvent, a care.Actor) error {
	session, site, err := f.atPasskey(e)
	if err != nil {
		return err
	}
	var in struct {
		Credential credential `json:"credential"`
		Remembered string     `json:"remembered"`
	}
	if err := decode(e, smallBodyMax, &in); err != nil {
		return err
	}
	r := in.Credential.Response
	err = f.guess(e, e.Auth.GetString("login"), in.Remembered, func() error {
		return f.hub.GivePasskey(e.Request.Context(), a, session, in.Credential.ID, site, signin.Assertion{
			ClientData: r.ClientData, AuthenticatorData: r.AuthenticatorData, Signature: r.Signature})
	})
	if err != nil {
		return err
	}
	return f.given(e)
}
