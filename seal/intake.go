package seal

import (
	"crypto/hpke"
	"fmt"
)

// What arrives while a hub is locked is sealed to its intake key: everybody
// may seal to the public half, only the unlocked hub opens (HPKE, RFC 9180,
// with the hybrid of ML-KEM-768 and X25519: what is taken down today is not
// opened by a quantum computer later).

func intakeSuite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305()
}

// NewIntakeKey makes the two halves of an intake key.
func NewIntakeKey() (private, public []byte, err error) {
	kem, _, _ := intakeSuite()
	k, err := kem.GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("making the intake key: %w", err)
	}
	private, err = k.Bytes()
	if err != nil {
		return nil, nil, fmt.Errorf("making the intake key: %w", err)
	}
	return private, k.PublicKey().Bytes(), nil
}

// SealIntake seals plain to an intake key, for one place.
func SealIntake(public []byte, at Place, plain []byte) ([]byte, error) {
	kem, kdf, aead := intakeSuite()
	k, err := kem.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("reading the intake key: %w", err)
	}
	sealed, err := hpke.Seal(k, kdf, aead, intakeInfo(at), plain)
	if err != nil {
		return nil, fmt.Errorf("sealing to the intake key: %w", err)
	}
	return sealed, nil
}

// OpenIntake opens what SealIntake sealed for the place.
func OpenIntake(private []byte, at Place, sealed []byte) ([]byte, error) {
	kem, kdf, aead := intakeSuite()
	k, err := kem.NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("reading the intake key: %w", err)
	}
	plain, err := hpke.Open(k, kdf, aead, intakeInfo(at), sealed)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func intakeInfo(at Place) []byte {
	return bind(nil, "portolan intake 1", at.Collection, at.Record, at.Field)
}
