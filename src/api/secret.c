#include "api/secret.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/limits_api.h"

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash fits");
_Static_assert(SECRET_HASH_LEN == crypto_generichash_BYTES, "one length");

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Of a password nobody has: what is not there takes as long to find out. */
static char nobodys[PASSWORD_HASH_MAX];

int secret_init(struct err *reterr)
{
	char password[SECRET_TEXT_MAX];

	if (sodium_init() < 0)
		return err_set(reterr, EIO, NULL, "no random numbers");
	if (nobodys[0])
		return 0;
	secret_make(password);
	return password_hash(password, nobodys, reterr);
}

int password_hash(const char *password, char ret[static PASSWORD_HASH_MAX],
		  struct err *reterr)
{
	size_t len = strlen(password);

	if (len < API_PASSWORD_MIN || len > API_PASSWORD_MAX)
		return err_set(reterr, EINVAL, "password",
			       "must have %d to %d characters",
			       API_PASSWORD_MIN, API_PASSWORD_MAX);
	if (crypto_pwhash_str_alg(ret, password, len, API_ARGON_PASSES,
				  API_ARGON_BYTES,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	return 0;
}

bool password_is(const char *password, const char *hash)
{
	size_t len = strlen(password);
	bool is = crypto_pwhash_str_verify(hash[0] ? hash : nobodys, password,
					   len) == 0;

	return is && hash[0];
}

static void encode(const unsigned char *bytes, char ret[SECRET_TEXT_MAX])
{
	(void)sodium_bin2base64(ret, SECRET_TEXT_MAX, bytes, 32, BASE64);
}

void secret_make(char ret[static SECRET_TEXT_MAX])
{
	unsigned char bytes[32];

	randombytes_buf(bytes, sizeof bytes);
	encode(bytes, ret);
	sodium_memzero(bytes, sizeof bytes);
}

void secret_hash(const char *text, unsigned char ret[static SECRET_HASH_LEN])
{
	/* of 256 random bits: nothing to slow down a guess of */
	(void)crypto_generichash(ret, SECRET_HASH_LEN,
				 (const unsigned char *)text, strlen(text),
				 NULL, 0);
}

void secret_csrf(const char *text, char ret[static SECRET_TEXT_MAX])
{
	/* a key makes it another hash than the one that is kept */
	static const unsigned char purpose[] = "weir cross-site requests";
	unsigned char bytes[SECRET_HASH_LEN];

	(void)crypto_generichash(bytes, sizeof bytes,
				 (const unsigned char *)text, strlen(text),
				 purpose, sizeof purpose);
	encode(bytes, ret);
}

bool secret_same(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && sodium_memcmp(a, b, len) == 0;
}
