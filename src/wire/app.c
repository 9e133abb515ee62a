#include "wire/app.h"

#include <stddef.h>
#include <strings.h>

static const struct {
	uint32_t app;
	const char *name;
} apps[] = {
#define X(id, number, text) { number, text },
	APPS(X) APPS_BREADTH(X)
#undef X
		{ 1002,
		  "ssl" }, /* the reference's word for it; "tls" is told */
	{ UINT32_MAX, "unknown" }, /* it could not be identified */
};

const char *app_name(uint32_t app)
{
	for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
		if (apps[i].app == app)
			return apps[i].name;
	return NULL;
}

uint32_t app_parent(uint32_t app)
{
	switch (app) {
	case APP_GRPC: return APP_HTTP2;
	case APP_HTTP2:
	case APP_WEBSOCKET:
	case APP_WORDPRESS:
	case APP_ACTIVEMQ:
	case APP_COUCHDB:
	case APP_ELASTICSEARCH:
	case APP_RABBITMQ:
	case APP_CONSUL:
	case APP_ETCD:
	case APP_APACHE:
	case APP_NGINX:
	case APP_JETTY:
	case APP_NODEJS: return APP_HTTP;
	default: return 0;
	}
}

bool app_is_told_by_answer(uint32_t app)
{
	switch (app) {
	case APP_WEBSOCKET:
	case APP_ACTIVEMQ:
	case APP_ELASTICSEARCH:
	case APP_RABBITMQ:
	case APP_CONSUL: return true;
	default: return false;
	}
}

uint32_t app_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
		if (strcasecmp(apps[i].name, name) == 0)
			return apps[i].app;
	return 0;
}
