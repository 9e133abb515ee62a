/*
 * What is in QUIC's Initial packets: a fuzzer never makes a right tag, so here
 * its input is the frames, and they are sealed (RFC 9001 5) as clients do.
 * Packets of one byte of flags (below), their frames' length in 16 bits, and
 * the frames. What every parser must keep to is checked by tests/unit/talk.c.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>

#include "base/bytes.h"
#include "proto/quic.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FLAG_OTHER_ID 1 /* another connection */
#define FLAG_SAME     2 /* in the same datagram as the one before */
#define FRAMES_MAX    1200
#define DATAGRAM_MAX  4096
#define HEADER	      22

struct keys {
	uint8_t key[16], iv[12], hp[16];
};

static void expand(const uint8_t *secret, const char *label, size_t len,
		   uint8_t *ret)
{
	uint8_t room[64];
	struct outbytes info = outbytes_of(room, sizeof room);
	struct hmac_sha256_ctx hmac;

	put_be16(&info, (uint16_t)len);
	put_u8(&info, (uint8_t)strlen(label));
	put_copy(&info, label, strlen(label));
	put_u8(&info, 0);
	hmac_sha256_set_key(&hmac, SHA256_DIGEST_SIZE, secret);
	hkdf_expand(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		    (nettle_hash_digest_func *)hmac_sha256_digest,
		    SHA256_DIGEST_SIZE, outbytes_len(&info), room, len, ret);
}

static void derive(const uint8_t id[static 8], struct keys *ret)
{
	static const uint8_t salt[] = { 0x38, 0x76, 0x2c, 0xf7, 0xf5,
					0x59, 0x34, 0xb3, 0x4d, 0x17,
					0x9a, 0xe6, 0xa4, 0xc8, 0x0c,
					0xad, 0xcc, 0xbb, 0x7f, 0x0a };
	uint8_t secret[SHA256_DIGEST_SIZE], client[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof salt, salt);
	hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
		     (nettle_hash_digest_func *)hmac_sha256_digest,
		     SHA256_DIGEST_SIZE, 8, id, secret);
	expand(secret, "tls13 client in", sizeof client, client);
	expand(client, "tls13 quic key", sizeof ret->key, ret->key);
	expand(client, "tls13 quic iv", sizeof ret->iv, ret->iv);
	expand(client, "tls13 quic hp", sizeof ret->hp, ret->hp);
}

/* Appends an Initial packet, number 0 in 4 bytes, to room. */
static void seal(struct outbytes *out, bool other, struct bytes frames)
{
	const uint8_t id[8] = { 1, 2, 3, 4, 5, 6, 7, other };
	uint8_t *head = out->at, mask[16], body[FRAMES_MAX + 16];
	struct gcm_aes128_ctx gcm;
	struct aes128_ctx aes;
	struct keys keys;
	size_t len = bytes_len(frames);

	derive(id, &keys);
	put_copy(out, "\xc3\0\0\0\1\x08", 6);
	put_copy(out, id, sizeof id);
	put_be16(out, 0); /* no id of its own, no token */
	put_be16(out, (uint16_t)(0x4000 | (len + 4 + 16)));
	put_be32(out, 0);
	gcm_aes128_set_key(&gcm, keys.key);
	gcm_aes128_set_iv(&gcm, sizeof keys.iv, keys.iv);
	gcm_aes128_update(&gcm, HEADER, head);
	gcm_aes128_encrypt(&gcm, len, body, frames.begin);
	gcm_aes128_digest(&gcm, 16, body + len);
	put_copy(out, body, len + 16);
	aes128_set_encrypt_key(&aes, keys.hp);
	aes128_encrypt(&aes, sizeof mask, mask, body);
	head[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < 4; i++)
		head[HEADER - 4 + i] ^= mask[1 + i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes rest = bytes_of(data, len), frames;
	uint8_t room[DATAGRAM_MAX];
	struct outbytes out = outbytes_of(room, sizeof room);
	struct talk *t = talk_new(true, false);
	uint16_t size;
	uint8_t flags;

	talk_only(t, &proto_quic);
	while (take_u8(&rest, &flags) && take_be16(&rest, &size)) {
		if (size > bytes_len(rest))
			size = (uint16_t)bytes_len(rest);
		if (size > FRAMES_MAX)
			size = FRAMES_MAX;
		if (!take_bytes(&rest, size, &frames))
			break;
		if (!(flags & FLAG_SAME) ||
		    (size_t)(out.end - out.at) < HEADER + size + 16u) {
			talk_say(t, PROTO_CLIENT,
				 bytes_of(room, outbytes_len(&out)));
			out = outbytes_of(room, sizeof room);
		}
		seal(&out, flags & FLAG_OTHER_ID, frames);
	}
	talk_say(t, PROTO_CLIENT, bytes_of(room, outbytes_len(&out)));
	talk_free(t);
	return 0;
}
