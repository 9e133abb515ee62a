#include "wire/app.h"

#include <stddef.h>
#include <strings.h>

static const struct {
	uint32_t app;
	const char *name;
} apps[] = {
	{ 1001, "http" },	   { 1002, "tls" },
	{ 1003, "ssh" },	   { 1004, "dns" },
	{ 1005, "dhcp" },	   { 1006, "ntp" },
	{ 1007, "tftp" },	   { 1008, "echo" },
	{ 1009, "rtsp" },	   { 1010, "sip" },
	{ 2001, "mysql" },	   { 2002, "redis" },
	{ 2003, "zookeeper" },	   { 2004, "cassandra" },
	{ 2005, "mongodb" },	   { 2006, "postgresql" },
	{ 2007, "kafka" },	   { 2008, "couchbase" },
	{ 2009, "wordpress" },	   { 2010, "activemq" },
	{ 2011, "couchdb" },	   { 2012, "elasticsearch" },
	{ 2013, "memcached" },	   { 2014, "rabbitmq" },
	{ 2015, "radius" },	   { 2016, "voltdb" },
	{ 2017, "consul" },	   { 2018, "syslog" },
	{ 2019, "etcd" },	   { 2020, "spark" },
	{ 2021, "apache" },	   { 2022, "nginx" },
	{ 2023, "jetty" },	   { 2024, "nodejs" },
	{ 2025, "erlang-epmd" },   { 2026, "oracle" },
	{ 2027, "mssql" },	   { 2028, "grpc" },
	{ 1002, "ssl" }, /* the reference's word for it; "tls" is told */
	{ UINT32_MAX, "unknown" }, /* it could not be identified */
};

const char *app_name(uint32_t app)
{
	for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
		if (apps[i].app == app)
			return apps[i].name;
	return NULL;
}

uint32_t app_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
		if (strcasecmp(apps[i].name, name) == 0)
			return apps[i].app;
	return 0;
}
