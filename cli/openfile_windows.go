package cli

// withoutWaiting: files do not keep anybody waiting here.
const withoutWaiting = 0
