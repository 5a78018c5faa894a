// Deprecated since 3.0 in favour of EVP, which allocates and looks its algorithm up: a hash of 65 bytes then costs twice
// as much. These are still what EVP itself calls. https://docs.openssl.org/3.0/man3/SHA256_Init/
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
