#include "base/touch.h"

#include <stdint.h>
#include <unistd.h>

/*
 * By writing what is there. MADV_POPULATE_WRITE is quicker, but where a hypervisor
 * keeps page tables of its own it is only half of what the first use costs.
 */
void touch_memory(void *at, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile uint8_t *p = at;

	for (size_t i = 0; i < len; i += page)
		p[i] = p[i];
	if (len > 0)
		p[len - 1] = p[len - 1];
}
