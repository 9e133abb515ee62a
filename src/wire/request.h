/*
 * What an application asks of another one, as far as rules may name it: "GET
 * /api/cart of www.example.com", "produce to topic orders".
 *
 *   requests: any one of these alternatives
 *     - every field of it, by any one of its patterns
 *
 *   [{"http.method": ["GET", "HEAD"], "http.path": "/api/cart"},
 *    {"grpc.service": "shop.Cart"}]
 *
 * A pattern is the whole value, with '*' for any bytes, none too. Where a value
 * has no case (a host, a verb), patterns have none either. The names are those
 * of proto/fields.h.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "wire/field.h"

/* X(NAME, "name", has case) */
#define REQUEST_FIELDS(X)                            \
	X(HTTP_METHOD, "http.method", 1)             \
	X(HTTP_HOST, "http.host", 0)                 \
	X(HTTP_PATH, "http.path", 1)                 \
	X(GRPC_SERVICE, "grpc.service", 1)           \
	X(GRPC_METHOD, "grpc.method", 1)             \
	X(TLS_SNI, "tls.sni", 0)                     \
	X(TLS_ALPN, "tls.alpn", 1)                   \
	X(DNS_QUERY, "dns.query", 0)                 \
	X(DNS_TYPE, "dns.type", 0)                   \
	X(SQL_USER, "sql.user", 1)                   \
	X(SQL_DATABASE, "sql.database", 1)           \
	X(SQL_VERB, "sql.verb", 0)                   \
	X(REDIS_COMMAND, "redis.command", 0)         \
	X(REDIS_CLASS, "redis.class", 0)             \
	X(REDIS_KEY, "redis.key", 1)                 \
	X(MONGO_COMMAND, "mongodb.command", 0)       \
	X(MONGO_DATABASE, "mongodb.database", 1)     \
	X(MONGO_COLLECTION, "mongodb.collection", 1) \
	X(KAFKA_API, "kafka.api", 0)                 \
	X(KAFKA_TOPIC, "kafka.topic", 1)             \
	X(MQTT_TYPE, "mqtt.type", 0)                 \
	X(MQTT_TOPIC, "mqtt.topic", 1)

enum request_field {
#define X(name, text, cased) REQUEST_##name,
	REQUEST_FIELDS(X)
#undef X
		REQUEST__MAX
};

/* What is asked; a field that begins with NULL was not said. Borrowed. */
struct request {
	struct bytes value[REQUEST__MAX];
	uint32_t unseen; /* bits: said, but what it is could not be read */
};
#define REQUEST_UNSEEN_ALL ((1u << REQUEST__MAX) - 1)
/* Nothing is asked, and nothing will be that rules could name. */
extern const struct request request_none;

struct request_term {
	uint8_t field;	 /* enum request_field */
	char **patterns; /* 1..REQUEST_PATTERNS_MAX; owned, each, too */
	size_t n_patterns;
};

/* Alternatives of a rule. */
struct request_spec {
	struct request_alternative {
		struct request_term *terms; /* 1.., each field once; owned */
		size_t n_terms;
	} * alternatives; /* 1..REQUEST_ALTERNATIVES_MAX; owned */
	size_t n;
};

/* REQUEST__MAX: there is none of that name. */
enum request_field request_field_by_name(const char *name);

/*
 * Does any alternative say that? may: the rule lets what it says be. Then what only
 * opens or keeps a conversation (a login, what Kafka's clients ask for about no
 * topic) is of each alternative about what is asked in it: without it nothing is.
 * What could not be read is never what such a rule says, and always what another does.
 * Any thread; pure.
 */
bool request_matches(const struct request_spec *s, const struct request *r,
		     bool may);
/* The whole of b, '*' for any bytes; without case: ASCII. */
bool request_pattern_matches(const char *pattern, struct bytes b, bool cased);

/*
 * A member of a message, as field.h's: an array of alternatives. *ret is to be
 * freed by request_spec_free() also after a later error; untouched when there is
 * none.
 */
bool field_requests(struct fields *f, const char *name, enum field_need need,
		    struct request_spec **ret);
/* NULL is accepted. */
void request_spec_free(struct request_spec *s);
/* As it can be read back, a new reference; NULL: out of memory. */
json_t *request_spec_json(const struct request_spec *s);

/*
 * One that somebody asks about, {"http.method": "GET", ...}; values are
 * strings, borrowed from the object.
 */
bool field_request(struct fields *f, const char *name, enum field_need need,
		   struct request *ret);
