/*
 * A part of base/limits.h, which has no room left: what parsers are given, and
 * what a rule may say of requests.
 */
#pragma once

/*
 * First bytes of a side by which a protocol is recognised. When neither side's
 * tell, it is none of ours, and the rest is asked (nDPI).
 */
#define OPENING_BYTES_MAX 512
/* Of a field that is told whole, and of one piece. Longer: cut, and told so. */
#define FIELD_BYTES_MAX 8192
/*
 * A part of a message that a parser must see at once: a field, and what lies
 * around it. Longer: note "limit", the conversation is not followed any more.
 */
#define FRAME_WAIT_MAX 16384u
/*
 * What a parser remembers of a conversation. Two sizes of places; no place
 * left: the conversation is known by name only, and counted.
 */
#define PARSER_STATE_SMALL ((size_t)2 * OPENING_BYTES_MAX)
#define PARSER_STATE_MAX   (24u << 10)
/*
 * A message of DNS over TCP is waited for, as long as this: larger ones are a
 * zone's transfer. Of those the questions are told, and note "limit".
 */
#define DNS_TCP_READ_MAX (16u << 10)
/* The text of one record's value, most of it TXT. Longer: cut, and told so. */
#define DNS_VALUE_MAX 2048
/*
 * A message of a TLS handshake is waited for, as long as this: browsers' hellos
 * have 2 KiB, a certificate with a hundred names has 6. Longer, or in so small
 * records that more bytes than TLS_UNREAD_MAX are unread: note "limit", and the
 * client is asked about without a name.
 */
#define TLS_MESSAGE_MAX (16u << 10)
#define TLS_UNREAD_MAX	(48u << 10)
/*
 * Protocols of a hello (ALPN) that policy is asked about; clients offer two or
 * three. More: note "limit", and it is asked about one that is not known.
 */
#define TLS_ALPN_MAX 16
/* Subject, issuer, one host of a certificate as text. Longer: cut. */
#define CERTIFICATE_TEXT_MAX 1024
/*
 * Ciphers, extensions, groups of a hello; clients have 200 at most. More: no
 * JA3 and JA4, note "limit".
 */
#define JA_VALUES_MAX 512
/*
 * A client's hello in QUIC's packets, and how many of one worker may be half
 * said at a time; a datagram's packets that are decrypted for it, of which
 * honest clients send one or two. More: note "limit", and the client is asked
 * about without a name.
 */
#define QUIC_HELLO_MAX	  8192u
#define QUIC_HELLOS	  128u
#define QUIC_INITIALS_MAX 8
/* Where a parser puts a message together during one call: a datagram's most. */
#define PROTO_SCRATCH_BYTES (64u << 10)
/*
 * Connections of one worker that are recognised or read at a time, and those
 * whose parser needs much. One more: its application stays unidentified, what
 * rules say of that applies; counted.
 */
#define DIALOGUES_DEFAULT	STREAMS_DEFAULT
#define DIALOGUES_LARGE_DEFAULT 2048
#define DIALOGUES_MAX		STREAMS_MAX

/* Of HTTP: base/limits_http.h. */
/* Of how far applications are looked for: base/limits_look.h. */

/*
 * What a rule may say of requests: alternatives, patterns of a field in each,
 * bytes of a pattern. One more: the rule is refused.
 */
#define REQUEST_ALTERNATIVES_MAX 32
#define REQUEST_PATTERNS_MAX	 64
#define REQUEST_PATTERN_MAX	 1024
