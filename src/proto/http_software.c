#include "proto/http_software.h"

#include "proto/text.h"

enum { SOFTWARE_BITS = 64 };

static bool tell(uint64_t *told, const struct proto_sink *sink, unsigned bit,
		 uint32_t app)
{
	uint64_t mask = (uint64_t)1 << bit;

	if (*told & mask)
		return true;
	*told |= mask;
	return sink->known(sink->arg, app);
}

static const struct {
	const char *word; /* the value begins so, in lower case */
	uint32_t app;
} servers[] = {
	{ "nginx", APP_NGINX },	    { "openresty", APP_NGINX },
	{ "apache", APP_APACHE },   { "jetty", APP_JETTY },
	{ "couchdb", APP_COUCHDB }, { "couchbase", APP_COUCHBASE },
};
#define SERVERS (sizeof servers / sizeof *servers)

/* Headers that only one program sends; value: NULL, or it has that in it. */
static const struct {
	const char *name, *value;
	uint32_t app;
} signs[] = {
	{ "x-etcd-cluster-id", NULL, APP_ETCD },
	{ "x-elastic-product", "elasticsearch", APP_ELASTICSEARCH },
	{ "x-consul-index", NULL, APP_CONSUL },
	{ "x-consul-default-acl-policy", NULL, APP_CONSUL },
	{ "x-powered-by", "express", APP_NODEJS },
	{ "www-authenticate", "rabbitmq", APP_RABBITMQ },
	{ "www-authenticate", "activemq", APP_ACTIVEMQ },
};
#define SIGNS	  (sizeof signs / sizeof *signs)
#define WORDPRESS (SERVERS + SIGNS)
_Static_assert(WORDPRESS < SOFTWARE_BITS, "a bit each in *told");

bool http_software_by_path(uint64_t *told, const struct proto_sink *sink,
			   struct bytes path)
{
	if (text_begins(path, "/wp-content/") != PROTO_YES)
		return true;
	return tell(told, sink, WORDPRESS, APP_WORDPRESS);
}

bool http_software_by_server(uint64_t *told, const struct proto_sink *sink,
			     struct bytes value)
{
	for (unsigned i = 0; i < SERVERS; i++)
		if (text_begins_nocase(value, servers[i].word) == PROTO_YES)
			return tell(told, sink, i, servers[i].app);
	return true;
}

bool http_software_by_header(uint64_t *told, const struct proto_sink *sink,
			     struct bytes name, struct bytes value)
{
	/* most headers are none of these */
	if (bytes_len(name) < 12 || text_lower(*name.begin) < 'w')
		return true;
	for (unsigned i = 0; i < SIGNS; i++)
		if (text_is_nocase(name, signs[i].name) &&
		    (!signs[i].value ||
		     text_contains_nocase(value, signs[i].value)))
			return tell(told, sink, (unsigned)SERVERS + i,
				    signs[i].app);
	return true;
}
