package tablet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// holdings is the hub's answer to a report: what it has of this replica.
type holdings struct {
	Received uint64 `json:"received"`
	Owed     uint64 `json:"owed"`
}

// tell tells the hub in what state this tablet is.
func (t *Tablet) tell(ctx context.Context, l *line, state string) (holdings, error) {
	var got holdings
	var last int64
	err := t.inTx(ctx, func(x *tx) (err error) {
		last, err = x.number(metaN)
		return err
	})
	if err != nil {
		return got, err
	}
	body, err := json.Marshal(struct {
		State string `json:"state"`
		Last  int64  `json:"last"`
	}{state, last})
	if err != nil {
		return got, fmt.Errorf("writing a report: %w", err)
	}
	resp, err := l.ask(ctx, "POST", "/api/portolan/report", body)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, problemMax)).Decode(&got); err != nil {
		return got, errAnswer
	}
	return got, nil
}

// reportWiped tells the hub that what was here is destroyed.
func (t *Tablet) reportWiped(ctx context.Context, l *line) error {
	_, err := t.tell(ctx, l, "wiped")
	return err
}
