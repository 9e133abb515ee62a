/*
 * CRC-32C (Castagnoli), the checksum of SCTP: RFC 9260 appendix A.
 *
 *   uint32_t crc = crc32c_add(CRC32C_START, header);
 *   crc = crc32c_end(crc32c_add(crc, body));
 *
 * The result goes into a packet with its least significant byte first.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

#define CRC32C_START UINT32_MAX

uint32_t crc32c_add(uint32_t crc, struct bytes b);

static inline uint32_t crc32c_end(uint32_t crc)
{
	return ~crc;
}
