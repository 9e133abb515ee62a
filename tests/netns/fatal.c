/*
 * nDPI that knows nothing, and dies of what has FATAL-FRAME in it: a mistake in the data
 * plane that one frame finds. Loaded before it: LD_PRELOAD.
 */
#include <ndpi_api.h>
#include <stdlib.h>
#include <string.h>

ndpi_protocol ndpi_detection_process_packet(
	struct ndpi_detection_module_struct *ndpi,
	struct ndpi_flow_struct *flow, const unsigned char *packet,
	const unsigned short packetlen, const u_int64_t packet_time_ms)
{
	static const char fatal[] = "FATAL-FRAME";

	if (memmem(packet, packetlen, fatal, sizeof fatal - 1))
		abort();
	return (ndpi_protocol){ 0 };
}
