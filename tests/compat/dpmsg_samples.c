/*
 * Not a test: prints one datagram of each kind, as hex, for the decoder of
 * tests/compat, which must find in it what its expected output says.
 */
#include <stdio.h>
#include <string.h>

#include "wire/dpmsg.h"
#include "wire/words.h"

static uint8_t buf[COMPAT_REPLY_MAX];

static void print(size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", buf[i]);
	putchar('\n');
}

static const struct mac ep = { { 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 1 } };
static const struct dpmsg_clock clock_of = { 1700000000ULL * 1000000 };

static struct ip_addr ip4(uint8_t last)
{
	return ip_from_v4(0x0a000000u | last);
}

static void notices(void)
{
	static struct threat_record t = { .id = 2001,
					  .count = 3,
					  .at_us = 5000000,
					  .action = DPI_DROP,
					  .severity = 3,
					  .proto = 6,
					  .flags = THREAT_PACKET_INGRESS,
					  .ethertype = 0x86dd,
					  .packet_len = 2,
					  .wire_len = 60,
					  .text = "invalid packet",
					  .packet = { 1, 2 } };
	struct connection_record c = { .ep_mac = ep,
				       .proto = 6,
				       .server_port = 443,
				       .client = ip4(1),
				       .server = ip4(2),
				       .flags = CONNECTION_INGRESS,
				       .bytes = 1234,
				       .sessions = 2,
				       .first_us = 1000000,
				       .last_us = 2000000,
				       .application = 1002,
				       .action = 6,
				       .policy_id = 10023,
				       .violations = 1,
				       .ep_bytes_60s = 1ULL << 33 };
	static struct fqdn_record f = { .name = "*.example.com", .n_ips = 1 };
	struct ip_name_record n = { .ip = ip4(9), .name = "a.example.com" };
	struct app_record a = { 8080, 6, 1001, 2022, 2009 };

	print(dpmsg_app_update(buf, ep, &a, 1));
	t.ep_mac = ep;
	t.src = (struct ip_addr){ { 0x20, 1, 0x0d, 0xb8, [15] = 1 } };
	t.dst = (struct ip_addr){ { 0x20, 1, 0x0d, 0xb8, [15] = 2 } };
	print(dpmsg_threat(buf, &t, clock_of));
	print(dpmsg_connections(buf, &c, 1, clock_of));
	f.ips[0] = ip4(7);
	print(dpmsg_fqdn_update(buf, &f));
	print(dpmsg_ip_name(buf, &n));
	n.released = true;
	print(dpmsg_ip_name(buf, &n));
}

static void replies(void)
{
	struct meter_record m = { .ep_mac = ep,
				  .kind = METER_SYN_FLOOD,
				  .peer = ip4(3),
				  .count = 5,
				  .last_count = 6,
				  .span_s = 5,
				  .upper = 800,
				  .lower = 600 };
	struct session_record s = { .id = 7,
				    .ep_mac = ep,
				    .ethertype = 0x0800,
				    .client = ip4(1),
				    .server = ip4(2),
				    .client_port = 40000,
				    .server_port = 443,
				    .proto = 6,
				    .client_state = 1,
				    .server_state = 1,
				    .policy_action = 2,
				    .flags = SESSION_INGRESS };
	struct traffic_sum sum = { 1, 2, 3, 4, 5, 6 };
	struct stats_record r = { sum, 1, 0, sum, sum, sum };
	struct device_counters d = { .rx_packets = 1,
				     .parser_packets[19] = 2,
				     .limit_pass_connections = 3 };
	struct session_count n = { 10, 4, 3, 2, 1 };

	print(dpmsg_session_list(buf, &s, 1, true));
	print(dpmsg_session_list(buf, NULL, 0, false));
	print(dpmsg_session_count(buf, &n));
	print(dpmsg_device_counter(buf, &d));
	print(dpmsg_meter_list(buf, &m, 1, true));
	print(dpmsg_stats(buf, DPMSG_MAC_STATS, &r));
	print(dpmsg_stats(buf, DPMSG_DEVICE_STATS, &r));
	print(dpmsg_keep_alive(buf, 5));
}

int main(void)
{
	notices();
	replies();
	return 0;
}
