package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// askWitness asks a witness to cosign the checkpoint of a log directory, as a log of other people's making would: with a proof by sumdb from
// the size that the witness names, and no memory of its own.
func askWitness(url, witnessVkey, logDir, vkeyFile string) error {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	witness, err := torchwood.NewCosignatureVerifier(witnessVkey)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(logDir, "checkpoint"))
	if err != nil {
		return err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier))
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	tiles, err := torchwood.NewTileFS(os.DirFS(logDir))
	if err != nil {
		return err
	}
	hashes := torchwood.TileHashReaderWithContext(context.Background(), checkpoint.Tree, tiles)
	for old := int64(0); ; {
		status, contentType, answer, err := addCheckpoint(url, old, checkpoint, hashes, signed)
		if err != nil {
			return err
		}
		if status == http.StatusOK {
			cosigned := append(bytes.Clone(signed), answer...)
			opened, err := note.Open(cosigned, note.VerifierList(verifier, witness))
			if err != nil {
				return err
			}
			if len(opened.Sigs) != 2 {
				return errors.New("not cosigned by the witness")
			}
			fmt.Printf("accepted: cosigned %d entries, from %d\n", checkpoint.N, old)
			return nil
		}
		var size int64
		if status != http.StatusConflict || contentType != "text/x.tlog.size" {
			return fmt.Errorf("the witness answered %d: %s", status, answer)
		}
		if _, err := fmt.Sscanf(string(answer), "%d\n", &size); err != nil || size == old || size > checkpoint.N {
			return fmt.Errorf("the witness answered 409 with %q", answer)
		}
		old = size
	}
}

func addCheckpoint(url string, old int64, checkpoint torchwood.Checkpoint, hashes tlog.HashReader, signed []byte) (int, string, []byte, error) {
	body := fmt.Sprintf("old %d\n", old)
	if old > 0 {
		proof, err := tlog.ProveTree(checkpoint.N, old, hashes)
		if err != nil {
			return 0, "", nil, err
		}
		for _, hash := range proof {
			body += base64.StdEncoding.EncodeToString(hash[:]) + "\n"
		}
	}
	response, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body+"\n"+string(signed)))
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Content-Type"), answer, err
}

// checkPolicy judges a cosigned checkpoint by a policy file.
func checkPolicy(policyFile, noteFile string) error {
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(noteFile)
	if err != nil {
		return err
	}
	checkpoint, opened, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	fmt.Printf("accepted: %d entries, %d signatures\n", checkpoint.N, len(opened.Sigs))
	return nil
}
