// Command agent is an ssh-agent with one Ed25519 key that was made this moment: litewitness signs through one.
//
//	agent -socket PATH
//
// It prints the fingerprint of its key, and serves until it is stopped.
package main

import (
	"crypto/ed25519"
	"flag"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func main() {
	socket := flag.String("socket", "", "where to listen")
	flag.Parse()
	if err := serve(*socket); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(socket string) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	fmt.Println(ssh.FingerprintSHA256(signer.PublicKey()))
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go agent.ServeAgent(keyring, conn)
	}
}
