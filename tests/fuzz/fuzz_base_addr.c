/*
 * Text to address and back: what parses, prints to text that parses to the
 * same address.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[64], mac_text[MAC_TEXT_MAX], ip_text[IP_TEXT_MAX];
	struct mac mac, mac_again;
	struct ip_addr ip, ip_again;

	if (len >= sizeof text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (mac_parse(text, &mac) == 0) {
		BUG_ON(mac_parse(mac_format(mac, mac_text), &mac_again) != 0);
		BUG_ON(!mac_equal(mac, mac_again));
	}
	if (ip_parse(text, &ip) == 0) {
		BUG_ON(ip_parse(ip_format(ip, ip_text), &ip_again) != 0);
		BUG_ON(!ip_equal(ip, ip_again));
	}
	return 0;
}
