/*
 * What parsers tell of what was said: the fields of requests and answers. A
 * field is the same thing to policy, to signatures (whose sticky buffers are
 * these names), to sensors and to reports.
 *
 * X(NAME, "name", side, form, "what it holds")
 *   side: C the client says it, S the server, B either
 *   form: W whole: one piece has all of it, and it is cut at FIELD_BYTES_MAX;
 *         P in pieces: as much as there is, in order
 * Names are stable. Add where it belongs: numbers are no interface.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PROTO_FIELDS(X)                                                        \
	/* HTTP/1, HTTP/2. The URI is decoded once and its path made plain. */ \
	X(HTTP_METHOD, "http.method", C, W, "as sent")                         \
	X(HTTP_URI, "http.uri", C, W, "decoded path, and query as sent")       \
	X(HTTP_URI_RAW, "http.uri.raw", C, W, "as sent")                       \
	X(HTTP_PATH, "http.path", C, W, "of http.uri, without the query")      \
	X(HTTP_PROTOCOL, "http.protocol", C, W, "\"HTTP/1.1\"")                \
	X(HTTP_HOST, "http.host", C, W, "lower case, without the port")        \
	X(HTTP_HEADER, "http.header", B, P,                                    \
	  "each \"Name: value\\r\\n\", blanks made plain, cookies left out")   \
	X(HTTP_COOKIE, "http.cookie", B, W, "the value")                       \
	X(HTTP_USER_AGENT, "http.user_agent", C, W, "the value")               \
	X(HTTP_REFERER, "http.referer", C, W, "the value")                     \
	X(HTTP_CONTENT_TYPE, "http.content_type", B, W, "the value")           \
	X(HTTP_FORWARDED_FOR, "http.forwarded_for", C, W,                      \
	  "X-Forwarded-For, the value")                                        \
	X(HTTP_REQUEST_BODY, "http.request_body", C, P,                        \
	  "without its transfer and content coding")                           \
	X(HTTP_STAT_CODE, "http.stat_code", S, W, "\"200\"")                   \
	X(HTTP_STAT_MSG, "http.stat_msg", S, W, "\"OK\"")                      \
	X(HTTP_SERVER, "http.server", S, W, "header Server, the value")        \
	X(HTTP_RESPONSE_BODY, "http.response_body", S, P,                      \
	  "without its transfer and content coding")                           \
	X(GRPC_SERVICE, "grpc.service", C, W, "\"package.Service\"")           \
	X(GRPC_METHOD, "grpc.method", C, W, "\"Method\"")                      \
	X(GRPC_MESSAGE, "grpc.message", B, P, "without its five bytes ahead")  \
	/* DNS */                                                              \
	X(DNS_MESSAGE, "dns.message", B, W, "one message as sent")             \
	X(DNS_QUERY, "dns.query", B, W, "the question's name, lower case")     \
	X(DNS_TYPE, "dns.type", B, W, "the question's, \"A\", \"TYPE99\"")     \
	X(DNS_ANSWER, "dns.answer", B, W, "of each record: its value as text") \
	/* TLS, QUIC, SSH */                                                   \
	X(TLS_SNI, "tls.sni", C, W, "lower case")                              \
	X(TLS_ALPN, "tls.alpn", B, W, "one field for each protocol")           \
	X(TLS_VERSION, "tls.version", B, W, "offered, chosen: \"1.3\"")        \
	X(TLS_CERT_SUBJECT, "tls.cert_subject", S, W, "\"CN=a, O=b\"")         \
	X(TLS_CERT_ISSUER, "tls.cert_issuer", S, W, "likewise")                \
	X(TLS_CERT_NAME, "tls.cert_name", S, W, "one for each DNS name")       \
	X(JA3_HASH, "ja3.hash", C, W, "32 hex digits")                         \
	X(JA3S_HASH, "ja3s.hash", S, W, "32 hex digits")                       \
	X(JA4, "ja4", C, W, "\"t13d1516h2_8daaf6152771_b186095e22b6\"")        \
	X(SSH_PROTO, "ssh.proto", B, W, "\"2.0\"")                             \
	X(SSH_SOFTWARE, "ssh.software", B, W, "\"OpenSSH_9.2p1\"")             \
	/* Databases */                                                        \
	X(SQL_USER, "sql.user", C, W, "who logs in")                           \
	X(SQL_DATABASE, "sql.database", C, W, "what is used")                  \
	X(SQL_VERB, "sql.verb", C, W, "first word, upper case: \"SELECT\"")    \
	X(SQL_TEXT, "sql.text", C, P, "the statement")                         \
	X(SQL_ERROR, "sql.error", S, W, "the server's code")                   \
	X(REDIS_COMMAND, "redis.command", C, W, "upper case")                  \
	X(REDIS_CLASS, "redis.class", C, W,                                    \
	  "read, write, admin, pubsub, script, connection, other")             \
	X(REDIS_KEY, "redis.key", C, W, "the first one")                       \
	X(MONGO_COMMAND, "mongodb.command", C, W, "as sent")                   \
	X(MONGO_DATABASE, "mongodb.database", C, W, "as sent")                 \
	X(MONGO_COLLECTION, "mongodb.collection", C, W, "as sent")             \
	X(MEMCACHED_COMMAND, "memcached.command", C, W, "lower case")          \
	/* Messages */                                                         \
	X(KAFKA_API, "kafka.api", C, W, "\"produce\", \"fetch\", ...")         \
	X(KAFKA_TOPIC, "kafka.topic", C, W, "one field for each topic")        \
	X(KAFKA_CLIENT, "kafka.client", C, W, "the client's id")               \
	X(MQTT_TYPE, "mqtt.type", B, W, "\"connect\", \"publish\", ...")       \
	X(MQTT_TOPIC, "mqtt.topic", B, W, "one field for each topic")          \
	X(MQTT_CLIENT, "mqtt.client", C, W, "the client's id")                 \
	X(MQTT_USER, "mqtt.user", C, W, "who logs in")                         \
	X(AMQP_METHOD, "amqp.method", B, W, "\"basic.publish\", ...")          \
	X(AMQP_EXCHANGE, "amqp.exchange", C, W, "of a publish")                \
	X(AMQP_QUEUE, "amqp.queue", C, W, "of a declare, bind, consume")       \
	X(AMQP_ROUTING_KEY, "amqp.routing_key", C, W, "of a publish")          \
	X(AMQP_VHOST, "amqp.vhost", C, W, "virtual host")                      \
	X(AMQP_USER, "amqp.user", C, W, "who logs in")                         \
	X(SMTP_COMMAND, "smtp.command", C, W, "upper case")                    \
	X(SMTP_MAIL_FROM, "smtp.mail_from", C, W, "the address")               \
	X(SMTP_RCPT_TO, "smtp.rcpt_to", C, W, "the address")                   \
	X(SMTP_BODY, "smtp.body", C, P, "what follows DATA, dots undone")      \
	X(ZOOKEEPER_OP, "zookeeper.op", C, W, "\"create\", \"getData\", ...")  \
	X(ZOOKEEPER_PATH, "zookeeper.path", C, W, "as sent")

enum proto_field {
#define X(name, text, side, form, what) FIELD_##name,
	PROTO_FIELDS(X)
#undef X
		FIELD__MAX
};

/* A set of fields: bit f % 64 of [f / 64]. */
#define FIELD_WORDS ((FIELD__MAX + 63) / 64)

/* "http.method"; static storage. */
const char *proto_field_name(enum proto_field f);
/* FIELD__MAX: there is none of that name. */
enum proto_field proto_field_by_name(const char *name);
/* One sentence for a person; static storage. */
const char *proto_field_text(enum proto_field f);
/* 'C', 'S' or 'B': who says it. */
char proto_field_side(enum proto_field f);
/* Is it one that the parser of that name may tell? */
bool proto_field_is_of(enum proto_field f, const char *parser);
/* Does it come in any number of pieces? */
bool proto_field_in_pieces(enum proto_field f);

/*
 * What parsers notice beside fields: X(NAME, "name", "what it means"). Some are
 * threats (inspect/threat_of.c), the rest are counted and can be asked for by
 * rules (keyword app-layer-event).
 */
#define PROTO_NOTES(X)                                                         \
	X(MALFORMED, "malformed", "it is not what the protocol allows")        \
	X(LIMIT, "limit", "longer or deeper than a parser follows")            \
	X(HTTP_LENGTH_NEGATIVE, "http.length_negative",                        \
	  "a length or chunk size below 0, or too large for anyone")           \
	X(HTTP_SMUGGLING, "http.smuggling",                                    \
	  "two lengths, or a length and chunks, or spaces around the colon")   \
	X(HTTP_RATIO, "http.ratio", "content that grows more than is allowed") \
	X(HTTP_CODING, "http.coding",                                          \
	  "a content or transfer coding is broken, or not known")              \
	X(HTTP_DOUBLE_ENCODED, "http.double_encoded", "percent of percent")    \
	X(HTTP_TRAVERSAL, "http.traversal", "a path that leaves its root")     \
	X(HTTP2_HEAD, "http2.head",                                            \
	  "a header block of too many bytes or frames")                        \
	X(HTTP2_HPACK, "http2.hpack",                                          \
	  "a header block is broken, or unpacks to too much")                  \
	X(HTTP2_FLOOD, "http2.flood",                                          \
	  "frames that ask for nothing, pings, or requests taken back")        \
	X(HTTP2_STREAMS, "http2.streams",                                      \
	  "more streams at a time than are followed")                          \
	X(HTTP2_MIDDLE, "http2.middle",                                        \
	  "met in its middle: not all of its heads can be known")              \
	X(TLS_SSL2, "tls.ssl2", "SSL 2.0")                                     \
	X(TLS_SSL3, "tls.ssl3", "SSL 3.0")                                     \
	X(TLS_10, "tls.10", "TLS 1.0")                                         \
	X(TLS_11, "tls.11", "TLS 1.1")                                         \
	X(TLS_HEARTBLEED, "tls.heartbleed",                                    \
	  "a heartbeat that asks for more than it sends")                      \
	X(TLS_SSL2_CIPHERS, "tls.ssl2_ciphers",                                \
	  "SSL 2.0 hello whose ciphers end beyond it")                         \
	X(SSH_1, "ssh.1", "SSH protocol 1")                                    \
	X(DNS_LOOP, "dns.loop", "a name that points in circles")               \
	X(DNS_OVERFLOW, "dns.overflow", "a message far longer than its parts") \
	X(DNS_TRANSFER, "dns.transfer", "asks for a whole zone")               \
	X(DNS_NULL, "dns.null", "a record of type NULL")                       \
	X(SQL_DENIED, "sql.denied", "a login was refused")

enum proto_note {
#define X(name, text, what) NOTE_##name,
	PROTO_NOTES(X)
#undef X
		NOTE__MAX
};

const char *proto_note_name(enum proto_note n);
enum proto_note proto_note_by_name(const char *name); /* NOTE__MAX: none */
const char *proto_note_text(enum proto_note n);
