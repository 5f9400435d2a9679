// The service's own record of the requests it answered: one JSON object per line, written at once.
package main

import (
	"encoding/json"
	"os"
	"sync"
)

type served struct {
	At      int64   `json:"at"`
	Release string  `json:"release"`
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Status  int     `json:"status"`
	Proxied bool    `json:"proxied"`
	Preview bool    `json:"preview"`
	Load    *string `json:"load"`
}

type requestLog struct {
	sync.Mutex
	out *os.File
}

// openLog appends to a file, or writes to the output when none is named.
func openLog(file string) (*requestLog, error) {
	if file == "" {
		return &requestLog{out: os.Stdout}, nil
	}
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return &requestLog{out: out}, err
}

func (l *requestLog) write(line served) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	l.Lock()
	defer l.Unlock()
	_, _ = l.out.Write(append(text, '\n'))
}
