package main

import "testing"

// TestRecordsAreThePeers compares a record with what common.cjs makes of the
// same number.
func TestRecordsAreThePeers(t *testing.T) {
	got := peerRecordOf(7, firstVersion)
	want := peerRecord{number: 7, caseNo: "K-100007", status: "open", risk: 3, opened: "2026-07-12", language: 18, shelter: 9, room: 47,
		worker: 89, lawyer: 169, nurse: 140, consentContact: true, nextVisit: "2026-11-07",
		needs: [3]string{"safe document", "visit call", "risk intake"}, version: 1,
		summary: "intake review note school shift shelter centre referral worker document document note plan consent stable note shelter plan review nurse call stable visit risk partner school intake note safe nurse document safe school call consent review follow transport review travel shift worker consent visit travel lawyer clinic note stable referral review note intake urgent centre note note school lawyer nurse",
		plan:    "worker urgent plan shelter hearing school note shift hearing school hearing centre stable travel safe risk family hearing stable hearing safe worker follow urgent family"}
	if got != want {
		t.Errorf("record 7 is\n%+v\nand not\n%+v", got, want)
	}
}
