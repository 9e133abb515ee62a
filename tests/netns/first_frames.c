/*
 * first_frames ADDRESS4 ADDRESS6 [MS]: sends as soon as it runs, to port 7777 of
 * these, until MS have passed (default 300; 0: for ever), whatever its network
 * is: what a container sends that does not wait for its firewall.
 *
 * UDP, TCP and pings by sockets; and past all routes and neighbours a frame with
 * UDP to ADDRESS4 out of each device, whenever that came, from the device's own
 * MAC to all MACs, so that it needs no neighbour.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT	 7777
#define PAUSE_US 500

static const char text[] = "weir-first-frame";
static struct sockaddr_in to4 = { .sin_family = AF_INET };
static struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
static int udp4, udp6, ping4, ping6, packet;

/* Whatever cannot be sent at the moment may be at the next. */
static void send_to(int fd, const void *buf, size_t len, const void *to,
		    socklen_t to_len)
{
	(void)sendto(fd, buf, len, MSG_DONTWAIT, to, to_len);
}

static uint16_t sum16(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Ethernet, IPv4 and UDP, from 192.0.2.1, whatever its address is. */
static void send_raw(const struct ifreq *r, unsigned ifindex)
{
	static const uint8_t eth[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t from[] = { 192, 0, 2, 1 };
	uint8_t f[14 + 20 + 8 + sizeof text] = { 0 };
	uint8_t *ip = f + 14, *udp = ip + 20;
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = 6,
				  .sll_protocol = htons(ETH_P_IP) };
	uint16_t sum;

	memcpy(f, eth, sizeof eth);
	memcpy(f + 6, r->ifr_hwaddr.sa_data, 6);
	f[12] = ETH_P_IP >> 8;
	ip[0] = 0x45;
	ip[3] = sizeof f - 14;
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, from, sizeof from);
	memcpy(ip + 16, &to4.sin_addr, 4);
	sum = sum16(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	udp[0] = udp[2] = PORT >> 8;
	udp[1] = udp[3] = PORT & 0xff;
	udp[5] = sizeof f - 34;
	memcpy(udp + 8, text, sizeof text);
	send_to(packet, f, sizeof f, &to, sizeof to);
}

static void send_raw_everywhere(void)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_name; i++) {
		struct ifreq r = { 0 };

		(void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", i->if_name);
		if (ioctl(udp4, SIOCGIFHWADDR, &r) == 0 &&
		    r.ifr_hwaddr.sa_family == ARPHRD_ETHER)
			send_raw(&r, i->if_index);
	}
	if_freenameindex(all);
}

static void connect_once(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)connect(fd, (struct sockaddr *)&to4, sizeof to4);
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(fd, (struct sockaddr *)&to6, sizeof to6);
	close(fd);
}

static void send_all(void)
{
	struct icmphdr echo4 = { .type = ICMP_ECHO };
	struct icmp6_hdr echo6 = { .icmp6_type = ICMP6_ECHO_REQUEST };
	struct sockaddr_in6 host6 = to6;

	host6.sin6_port = 0;
	echo4.checksum = htons(sum16((uint8_t *)&echo4, sizeof echo4));
	send_to(udp4, text, sizeof text, &to4, sizeof to4);
	send_to(udp6, text, sizeof text, &to6, sizeof to6);
	send_to(ping4, &echo4, sizeof echo4, &to4, sizeof to4);
	send_to(ping6, &echo6, sizeof echo6, &host6, sizeof host6);
	connect_once();
	send_raw_everywhere();
}

static long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	long begun = now_ms(), ms = argc > 3 ? strtol(argv[3], NULL, 10) : 300;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &to4.sin_addr) != 1 ||
	    inet_pton(AF_INET6, argv[2], &to6.sin6_addr) != 1) {
		fputs("usage: first_frames ADDRESS4 ADDRESS6 [MS]\n", stderr);
		return 2;
	}
	to4.sin_port = to6.sin6_port = htons(PORT);
	udp4 = socket(AF_INET, SOCK_DGRAM, 0);
	udp6 = socket(AF_INET6, SOCK_DGRAM, 0);
	ping4 = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	ping6 = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	packet = socket(AF_PACKET, SOCK_RAW, 0);
	if (packet < 0 || ping4 < 0) {
		fprintf(stderr, "first_frames: %s\n", strerror(errno));
		return 1;
	}
	do {
		send_all();
		(void)usleep(PAUSE_US);
	} while (ms == 0 || now_ms() - begun < ms);
	return 0;
}
