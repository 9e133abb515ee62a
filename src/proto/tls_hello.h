/*
 * The hellos of TLS (RFC 8446 4.1, RFC 5246 7.4.1) taken apart, and what is
 * told of them; QUIC has the same ones.
 *
 * Pure but for the sink; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/parser.h"

#define TLS_SSL2 0x0002
#define TLS_SSL3 0x0300
#define TLS_10	 0x0301
#define TLS_11	 0x0302
#define TLS_12	 0x0303
#define TLS_13	 0x0304

#define TLS_EXT_SNI	 0
#define TLS_EXT_GROUPS	 10
#define TLS_EXT_POINTS	 11
#define TLS_EXT_SIGALGS	 13
#define TLS_EXT_ALPN	 16
#define TLS_EXT_VERSIONS 43

/* All borrow from the message; what is not there is empty. */
struct tls_hello {
	uint16_t version;	 /* as the message begins; see tls_best() */
	struct bytes ciphers;	 /* 16 bits each; a server's: the one */
	struct bytes extensions; /* type, length, value of each, whole */
	struct bytes sni;
	struct bytes alpn;     /* each behind its length in 8 bits */
	struct bytes groups;   /* 16 bits each */
	struct bytes points;   /* 8 bits each */
	struct bytes versions; /* 16 bits each */
	struct bytes sigalgs;  /* likewise */
	bool has_sni;	       /* the extension is there */
	bool retry;	       /* a server's: HelloRetryRequest */
};

/*
 * The message without its type and length. false: it is not what the RFC
 * allows; *ret is then as much of it as was read.
 */
bool tls_read_client_hello(struct bytes message, struct tls_hello *ret);
bool tls_read_server_hello(struct bytes message, struct tls_hello *ret);

/* Reserved values that clients strew in (RFC 8701). */
static inline bool tls_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* The highest version that is offered, the chosen one; 0: none. */
uint16_t tls_best(const struct tls_hello *h);

/* "1.3", "ssl3", "0x7f1c"; static storage or buf. */
#define TLS_VERSION_TEXT_MAX 8
const char *tls_version_text(uint16_t version,
			     char buf[static TLS_VERSION_TEXT_MAX]);

/* Notes of versions that nobody should speak any more. false: to be stopped. */
bool tls_note_version(uint16_t version, enum proto_side side,
		      const struct proto_sink *sink);
/* Name, protocols, versions, JA3 and JA4; transport: as JA4 has it, 't', 'q' */
bool tls_tell_client_hello(const struct tls_hello *h, char transport,
			   const struct proto_sink *sink);
/* Version, protocol, JA3S; not of a retry. */
bool tls_tell_server_hello(const struct tls_hello *h,
			   const struct proto_sink *sink);
