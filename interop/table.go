package interop

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"portolan/care"
)

// idColumns are names under which tables carry a name of the row that lasts
// (KoboToolbox, ODK Central, REDCap, a plain export).
var idColumns = []string{"meta/instanceid", "instanceid", "_uuid", "key", "record_id", "case_id", "id"}

func readTable(b []byte, res *Result) error {
	separator, err := separatorOf(b)
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator, -1, false
	header, err := r.Read()
	if err != nil {
		return csvFault(err)
	}
	if len(header) > ColumnsMax {
		return &care.Error{Code: "import_too_many_records", Kind: care.TooLarge, Hint: fmt.Sprintf("The table has more than %d columns.", ColumnsMax)}
	}
	id := idColumn(header)
	rows, err := tableRows(r)
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, row := range rows {
		htcdsCase(rowKey(row, header, id, seen), rowCells(row, header, id), res)
		if id >= 0 && id < len(row) && row[id] != "" { // what the row is called there
			c := &res.Cases[len(res.Cases)-1]
			c.SetAside = append(c.SetAside, setAsides(header[id], row[id], ReasonNoPlace)...)
		}
	}
	return nil
}

// tableRows are the rows below the header that say anything. All are read
// before the first is taken: a table is taken whole or not at all.
func tableRows(r *csv.Reader) ([][]string, error) {
	var rows [][]string
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, csvFault(err)
		case len(rows) >= RecordsMax:
			return nil, tooMany("rows")
		case !blank(row):
			rows = append(rows, row)
		}
	}
}

// separatorOf finds what stands between the columns: the one that gives the
// first row the most names of the standard.
func separatorOf(b []byte) (rune, error) {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		r := csv.NewReader(bytes.NewReader(b))
		r.Comma, r.FieldsPerRecord = c, -1
		header, err := r.Read()
		if err != nil {
			continue
		}
		n := 0
		for _, name := range header {
			if isHTCDS(name) {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	if most == 0 {
		return 0, &care.Error{Code: "import_not_htcds", Kind: care.Invalid,
			Hint: "The first row has no name of HTCDS, such as prs_FirstName or cas_Status."}
	}
	return best, nil
}

// csvFault names the place of a fault and none of the text around it.
func csvFault(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return &care.Error{Code: "import_malformed", Kind: care.Invalid,
			Hint: fmt.Sprintf("The table is not well-formed CSV at line %d, column %d (a record that begins on line %d).", p.Line, p.Column, p.StartLine)}
	}
	return fmt.Errorf("interop: reading a table: %w", err)
}

func idColumn(header []string) int {
	for _, name := range idColumns {
		for i, h := range header {
			if strings.EqualFold(strings.TrimSpace(h), name) {
				return i
			}
		}
	}
	return -1
}

// rowKey is the row's own id or, where it has none, its content; the second of
// two equal rows is a second person, and gets a key of its own.
func rowKey(row, header []string, id int, seen map[string]int) string {
	var key string
	if id >= 0 && id < len(row) && strings.TrimSpace(row[id]) != "" {
		key = "id:" + strings.TrimSpace(row[id])
	} else {
		// By name and not by position, so that a column moved or an empty one
		// added makes no second case of the same row.
		parts := make([]string, 0, 2*len(row))
		for _, c := range sortedCells(rowCells(row, header, id)) {
			parts = append(parts, c.name, c.value)
		}
		key = "row:" + digest(parts...)
	}
	seen[key]++
	if n := seen[key]; n > 1 {
		key = fmt.Sprintf("%s#%d", key, n)
	}
	return key
}

func rowCells(row, header []string, id int) []cell {
	var cells []cell
	for i, v := range row {
		if i == id || strings.TrimSpace(v) == "" {
			continue
		}
		c := cell{value: v, name: fmt.Sprintf("column %d", i+1)}
		if i < len(header) && strings.TrimSpace(header[i]) != "" {
			c.name = strings.TrimSpace(header[i])
		}
		cells = append(cells, c)
	}
	return cells
}

func sortedCells(cells []cell) []cell {
	slices.SortStableFunc(cells, func(x, y cell) int { return cmp.Compare(foldName(x.name)+x.name, foldName(y.name)+y.name) })
	return cells
}

func blank(row []string) bool {
	for _, v := range row {
		if strings.TrimSpace(v) != "" {
			return false
		}
	}
	return true
}
