/*
 * A guest's frame: who is said to be heard is somebody, and what it says to be
 * its address is one.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "net/heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heard h;

	if (!heard_parse(bytes_of(data, len), &h))
		return 0;
	BUG_ON(mac_is_group(h.mac) || mac_is_zero(h.mac));
	BUG_ON(h.has_addr && ip_is_any(h.addr));
	return 0;
}
