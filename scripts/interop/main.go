// Command interop reads a log directory and the receipts beside it with other people's code only (golang.org/x/mod/sumdb and
// filippo.io/torchwood) and exits 0 only if they accept all of it.
//
//	interop -log DIR -vkey FILE -proofs DIR
//	interop -log DIR -vkey FILE -witness URL -witness-vkey VKEY    asks a witness to cosign the log
//	interop -policy FILE -note FILE                                judges a cosigned checkpoint
//
// DIR/checkpoint and DIR/tile are a C2SP log. The proofs directory holds, each of them optional but not all,
// <leaf index>.tlog-proof, <tree size>.consistency (lines of base64: the root at that size, then the proof to the checkpoint) and
// cosigned with witness.vkey (the checkpoint and a cosignature of it).
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	logDir := flag.String("log", "", "directory of the log")
	vkeyFile := flag.String("vkey", "", "file with the verifier key")
	proofsDir := flag.String("proofs", "", "directory of the proofs")
	witnessURL := flag.String("witness", "", "submission prefix of a witness, which is asked to cosign the log")
	witnessVkey := flag.String("witness-vkey", "", "its verifier key")
	policyFile := flag.String("policy", "", "a policy file, by which a note is judged")
	noteFile := flag.String("note", "", "file with the note")
	flag.Parse()
	var err error
	switch {
	case *witnessURL != "":
		err = askWitness(*witnessURL, *witnessVkey, *logDir, *vkeyFile)
	case *policyFile != "":
		err = checkPolicy(*policyFile, *noteFile)
	default:
		err = run(*logDir, *vkeyFile, *proofsDir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func run(logDir, vkeyFile, proofsDir string) error {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	// The convention is that the key has the name of the log.
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier))
	signed, err := os.ReadFile(filepath.Join(logDir, "checkpoint"))
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	entries, err := checkTiles(logDir, checkpoint.Tree)
	if err != nil {
		return err
	}
	proofs, err := checkProofs(proofsDir, policy, checkpoint.Tree, entries)
	if err != nil {
		return err
	}
	fmt.Printf("accepted: %d entries, %d proofs\n", len(entries), proofs)
	return nil
}

// checkTiles reads every entry through the tiles, and proves each against the root.
func checkTiles(logDir string, tree tlog.Tree) ([][]byte, error) {
	tiles, err := torchwood.NewTileFS(os.DirFS(logDir))
	if err != nil {
		return nil, err
	}
	client, err := torchwood.NewClient(tiles)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for i, entry := range client.AllEntries(context.Background(), tree, 0) {
		if i != int64(len(entries)) {
			return nil, fmt.Errorf("entry %d came in the place of %d", i, len(entries))
		}
		entries = append(entries, append([]byte(nil), entry...))
	}
	if err := client.Err(); err != nil {
		return nil, err
	}
	if int64(len(entries)) != tree.N {
		return nil, fmt.Errorf("%d entries of %d", len(entries), tree.N)
	}
	for i := int64(0); i < tree.N; i += 1 + tree.N/50 {
		if _, _, err := client.Entry(context.Background(), tree, i); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func checkProofs(dir string, policy torchwood.Policy, tree tlog.Tree, entries [][]byte) (int, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	checked := 0
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			return 0, err
		}
		switch filepath.Ext(file.Name()) {
		case ".tlog-proof":
			err = checkReceipt(file.Name(), data, policy, entries)
		case ".consistency":
			err = checkConsistency(file.Name(), string(data), tree)
		case ".cosigned":
			err = checkCosignature(dir, data)
		default:
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file.Name(), err)
		}
		checked++
	}
	if checked == 0 {
		return 0, errors.New("no proofs")
	}
	return checked, nil
}

func checkReceipt(name string, receipt []byte, policy torchwood.Policy, entries [][]byte) error {
	index, err := numberOf(name)
	if err != nil || index >= int64(len(entries)) {
		return errors.New("not the name of a receipt")
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entries[index]), receipt); err != nil {
		return err
	}
	other := append([]byte("another "), entries[index]...)
	if torchwood.VerifyProof(policy, tlog.RecordHash(other), receipt) == nil {
		return errors.New("verifies another entry too")
	}
	return nil
}

func checkConsistency(name, text string, tree tlog.Tree) error {
	size, err := numberOf(name)
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	for _, line := range strings.Fields(text) {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return errors.New("not a hash")
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	if len(hashes) == 0 {
		return errors.New("no root")
	}
	return tlog.CheckTree(hashes[1:], tree.N, tree.Hash, size, hashes[0])
}

func checkCosignature(dir string, cosigned []byte) error {
	vkey, err := os.ReadFile(filepath.Join(dir, "witness.vkey"))
	if err != nil {
		return err
	}
	witness, err := torchwood.NewCosignatureVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	_, err = note.Open(cosigned, note.VerifierList(witness))
	return err
}

func numberOf(name string) (int64, error) {
	return strconv.ParseInt(strings.TrimSuffix(name, filepath.Ext(name)), 10, 64)
}
