module portolan

go 1.26

require (
	github.com/google/uuid v1.6.0
	github.com/jung-kurt/gofpdf v1.16.2
	github.com/pocketbase/pocketbase v0.39.11
	github.com/robfig/cron/v3 v3.0.1
	modernc.org/libc v1.74.1
	modernc.org/sqlite v1.55.0
)
