package submit

// SetPieceSize changes how much goes in one request, and changes it back.
func SetPieceSize(n int64) (back func()) {
	old := pieceSize
	pieceSize = n
	return func() { pieceSize = old }
}
