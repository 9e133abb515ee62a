/*
 * Addresses: text in and out, what kind they are, prefixes.
 */
#include "base/addr.h"

#include <errno.h>
#include <stdlib.h>

#include "test.h"

static void test_mac_parse(void **state)
{
	static const struct {
		const char *text;
		int want;
		struct mac mac;
	} rows[] = {
		{ "4e:65:75:56:00:b4",
		  0,
		  { { 0x4e, 0x65, 0x75, 0x56, 0x00, 0xb4 } } },
		{ "FF:ff:Ff:fF:00:0A",
		  0,
		  { { 0xff, 0xff, 0xff, 0xff, 0x00, 0x0a } } },
		{ "", -EINVAL, { { 0 } } },
		{ "4", -EINVAL, { { 0 } } },
		{ "4e", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:b", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:b4:", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:b4:01", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:b4 ", -EINVAL, { { 0 } } },
		{ " 4e:65:75:56:00:b4", -EINVAL, { { 0 } } },
		{ "4e-65-75-56-00-b4", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:g4", -EINVAL, { { 0 } } },
		{ "4e:65:75:56:00:+4", -EINVAL, { { 0 } } },
		{ "4:65:75:56:00:b4", -EINVAL, { { 0 } } },
		{ "4e65755600b4", -EINVAL, { { 0 } } },
	};
	static const struct mac untouched = { { 1, 2, 3, 4, 5, 6 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* Its own allocation: a read past the NUL is seen. */
		char *text = strdup(rows[i].text);
		struct mac m = untouched;
		int r;

		assert_non_null(text);
		r = mac_parse(text, &m);
		assert_row(text, r == rows[i].want);
		assert_row(text, mac_equal(m, r ? untouched : rows[i].mac));
		free(text);
	}
}

static void test_mac_kinds(void **state)
{
	char buf[MAC_TEXT_MAX];
	struct mac m = { { 0x1a, 0x27, 0xf3, 0x87, 0x3a, 0x27 } };
	struct bytes b = bytes_of(m.b, sizeof m.b);
	struct mac taken;

	assert_string_equal(mac_format(m, buf), "1a:27:f3:87:3a:27");
	assert_false(mac_is_zero(m));
	assert_true(mac_is_zero((struct mac){ { 0 } }));
	assert_false(mac_is_group(m));
	assert_true(mac_is_group((struct mac){ { 0x33, 0x33, 0, 0, 0, 1 } }));
	assert_true(take_mac(&b, &taken));
	assert_true(mac_equal(taken, m));
	assert_false(take_mac(&b, &taken));
}

static void test_ip_parse(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* printed again; NULL: refused */
	} rows[] = {
		{ "10.10.10.88", "10.10.10.88" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "fe80::1", "fe80::1" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		/* The two spellings of one address. */
		{ "::ffff:10.0.0.1", "10.0.0.1" },
		{ "", NULL },
		{ "10.10.10", NULL },
		{ "10.10.10.256", NULL },
		{ "10.10.10.88/24", NULL },
		{ " 10.10.10.88", NULL },
		{ "10.10.10.88 ", NULL },
		{ "0x0a.1.1.1", NULL },
		{ "010.1.1.1", NULL },
		{ "fe80::1%eth0", NULL },
		{ ":::", NULL },
		{ "host", NULL },
	};
	static const struct ip_addr untouched = { { 1, 2, 3 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr a = untouched;
		char buf[IP_TEXT_MAX];
		int r = ip_parse(rows[i].text, &a);

		assert_row(rows[i].text, r == (rows[i].want ? 0 : -EINVAL));
		if (r)
			assert_row(rows[i].text, ip_equal(a, untouched));
		else
			assert_string_equal(ip_format(a, buf), rows[i].want);
	}
}

static struct ip_addr ip(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static void test_ip_net(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* printed again; NULL: refused */
		unsigned bits;
	} rows[] = {
		{ "10.10.10.88", "10.10.10.88", 128 },
		{ "10.10.10.88/32", "10.10.10.88", 128 },
		{ "10.0.0.0/8", "10.0.0.0/8", 104 },
		{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "::/0", "::/0", 0 },
		{ "fd00::/8", "fd00::/8", 8 },
		{ "2001:db8::1/128", "2001:db8::1", 128 },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", 104 },
		{ "10.0.0.1/8", NULL, 0 },
		{ "fd00::1/64", NULL, 0 },
		{ "10.0.0.0/33", NULL, 0 },
		{ "fd00::/129", NULL, 0 },
		{ "10.0.0.0/", NULL, 0 },
		{ "10.0.0.0/08", NULL, 0 },
		{ "10.0.0.0/+8", NULL, 0 },
		{ "10.0.0.0/8 ", NULL, 0 },
		{ "10.0.0.0/8/8", NULL, 0 },
		{ "10.0.0.0/99999999999", NULL, 0 },
		{ "/8", NULL, 0 },
		{ "", NULL, 0 },
		{ "web", NULL, 0 },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", NULL,
		  0 },
	};
	static const struct ip_net untouched = { { { 1, 2, 3 } }, 9 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_net net = untouched;
		char buf[IP_NET_TEXT_MAX];
		int r = ip_net_parse(rows[i].text, &net);

		assert_row(rows[i].text, r == (rows[i].want ? 0 : -EINVAL));
		assert_row(rows[i].text,
			   net.prefix_bits ==
				   (r ? untouched.prefix_bits : rows[i].bits));
		if (r)
			assert_row(rows[i].text,
				   ip_equal(net.ip, untouched.ip));
		else
			assert_string_equal(ip_net_format(net, buf),
					    rows[i].want);
	}
}

static void test_ip_kinds(void **state)
{
	enum { ANY = 1, MULTI = 2, LOOP = 4, LINK = 8, V4 = 16 };
	static const struct {
		const char *text;
		unsigned want;
	} rows[] = {
		{ "0.0.0.0", V4 | ANY },
		{ "0.0.0.1", V4 },
		{ "10.0.0.1", V4 },
		{ "127.0.0.1", V4 | LOOP },
		{ "127.255.255.255", V4 | LOOP },
		{ "128.0.0.1", V4 },
		{ "169.254.0.1", V4 | LINK },
		{ "169.255.0.1", V4 },
		{ "223.255.255.255", V4 },
		{ "224.0.0.1", V4 | MULTI },
		{ "239.255.255.255", V4 | MULTI },
		{ "240.0.0.1", V4 },
		{ "255.255.255.255", V4 | MULTI },
		{ "::", ANY },
		{ "::1", LOOP },
		{ "::2", 0 },
		{ "fe7f::1", 0 },
		{ "fe80::1", LINK },
		{ "febf::1", LINK },
		{ "fec0::1", 0 },
		{ "ff02::1", MULTI },
		{ "2001:db8::1", 0 },
		/* IPv4 bits in an address that is not mapped mean nothing. */
		{ "::fffe:7f00:1", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr a = ip(rows[i].text);
		unsigned got = (ip_is_any(a) ? ANY : 0) |
			       (ip_is_multicast(a) ? MULTI : 0) |
			       (ip_is_loopback(a) ? LOOP : 0) |
			       (ip_is_link_local(a) ? LINK : 0) |
			       (ip_is_v4(a) ? V4 : 0);

		assert_row(rows[i].text, got == rows[i].want);
	}
}

static void test_ip_in_prefix(void **state)
{
	static const struct {
		const char *addr, *net;
		unsigned bits;
		bool want;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0", 96 + 8, true },
		{ "11.1.2.3", "10.0.0.0", 96 + 8, false },
		{ "10.10.10.127", "10.10.10.64", 96 + 26, true },
		{ "10.10.10.128", "10.10.10.64", 96 + 26, false },
		{ "10.10.10.64", "10.10.10.64", 128, true },
		{ "10.10.10.65", "10.10.10.64", 128, false },
		{ "10.10.10.65", "10.10.10.64", 127, true },
		{ "fe80::1", "10.0.0.0", 0, true },
		{ "10.0.0.1", "::", 96, false },
		{ "2001:db8:8000::1", "2001:db8::", 32, true },
		{ "2001:db8:8000::1", "2001:db8::", 33, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].addr,
			   ip_in_prefix(ip(rows[i].addr), ip(rows[i].net),
					rows[i].bits) == rows[i].want);
}

static void test_ip_take(void **state)
{
	static const uint8_t wire[] = { 10, 10, 10, 88, 0xfe, 0x80, 0,
					0,  0,	0,  0,	0,    0,    0,
					0,  0,	0,  0,	0,    1,    9 };
	struct bytes b = bytes_of(wire, sizeof wire);
	struct ip_addr v4, v6, none = { { 0 } };
	char buf[IP_TEXT_MAX];

	assert_true(take_ip4(&b, &v4));
	assert_true(take_ip6(&b, &v6));
	assert_string_equal(ip_format(v4, buf), "10.10.10.88");
	assert_string_equal(ip_format(v6, buf), "fe80::1");
	assert_int_equal(ip_to_v4(v4), 0x0a0a0a58);
	assert_true(ip_equal(v4, ip_from_v4(0x0a0a0a58)));
	assert_false(take_ip4(&b, &none));
	assert_false(take_ip6(&b, &none));
	assert_int_equal(bytes_len(b), 1);
	/* Byte order is address order, also across the families. */
	assert_true(ip_compare(v4, v6) < 0);
	assert_true(ip_compare(v6, v4) > 0);
	assert_int_equal(ip_compare(v4, v4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac_parse),
		cmocka_unit_test(test_mac_kinds),
		cmocka_unit_test(test_ip_parse),
		cmocka_unit_test(test_ip_net),
		cmocka_unit_test(test_ip_kinds),
		cmocka_unit_test(test_ip_in_prefix),
		cmocka_unit_test(test_ip_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
