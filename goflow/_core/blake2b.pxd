"""BLAKE2b (RFC 7693) with a digest of 256 bits: what `hashlib.blake2b(digest_size=32)` computes.

Written out because the objects around hashlib's cost more than the hashing of a small value: 250 ns
a call. A header, with nothing to import; checked against hashlib in the tests.
"""

from libc.stdint cimport uint8_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    static const uint64_t goflow_blake2b_iv[8] = {
        0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu, 0xA54FF53A5F1D36F1u,
        0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu, 0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u};

    static inline uint64_t goflow_little8(const uint8_t *from) {
        uint64_t word;
        memcpy(&word, from, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }

    #define GOFLOW_TURN(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
    #define GOFLOW_G(a, b, c, d, x, y)                                      \\
        a += b + x; d = GOFLOW_TURN(d ^ a, 32); c += d; b = GOFLOW_TURN(b ^ c, 24); \\
        a += b + y; d = GOFLOW_TURN(d ^ a, 16); c += d; b = GOFLOW_TURN(b ^ c, 63);
    #define GOFLOW_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, sA, sB, sC, sD, sE, sF) \\
        GOFLOW_G(v0, v4, v8, vC, m[s0], m[s1]) GOFLOW_G(v1, v5, v9, vD, m[s2], m[s3])    \\
        GOFLOW_G(v2, v6, vA, vE, m[s4], m[s5]) GOFLOW_G(v3, v7, vB, vF, m[s6], m[s7])    \\
        GOFLOW_G(v0, v5, vA, vF, m[s8], m[s9]) GOFLOW_G(v1, v6, vB, vC, m[sA], m[sB])    \\
        GOFLOW_G(v2, v7, v8, vD, m[sC], m[sD]) GOFLOW_G(v3, v4, v9, vE, m[sE], m[sF])

    static void goflow_blake2b_block(
        uint64_t h[8], const uint8_t *block, uint64_t count, uint64_t last
    ) {
        uint64_t m[16];
        uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3];
        uint64_t v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
        uint64_t v8 = goflow_blake2b_iv[0], v9 = goflow_blake2b_iv[1];
        uint64_t vA = goflow_blake2b_iv[2], vB = goflow_blake2b_iv[3];
        uint64_t vC = goflow_blake2b_iv[4] ^ count, vD = goflow_blake2b_iv[5];
        uint64_t vE = goflow_blake2b_iv[6] ^ last, vF = goflow_blake2b_iv[7];
        for (int i = 0; i < 16; i++) m[i] = goflow_little8(block + 8 * i);
        GOFLOW_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        GOFLOW_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
        GOFLOW_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
        GOFLOW_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
        GOFLOW_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
        GOFLOW_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
        GOFLOW_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
        GOFLOW_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
        GOFLOW_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
        GOFLOW_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
        GOFLOW_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        GOFLOW_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
        h[0] ^= v0 ^ v8; h[1] ^= v1 ^ v9; h[2] ^= v2 ^ vA; h[3] ^= v3 ^ vB;
        h[4] ^= v4 ^ vC; h[5] ^= v5 ^ vD; h[6] ^= v6 ^ vE; h[7] ^= v7 ^ vF;
    }

    /* The digest of data, personalised by 16 bytes (zeros for none), to 32 bytes. */
    static void goflow_blake2b(
        const uint8_t *data, uint64_t size, const uint8_t person[16], uint8_t digest[32]
    ) {
        uint64_t h[8];
        uint8_t tail[128];
        uint64_t done = 0;
        memcpy(h, goflow_blake2b_iv, sizeof h);
        h[0] ^= 0x01010020;  /* 32 bytes of digest, no key, one tree node */
        h[6] ^= goflow_little8(person);
        h[7] ^= goflow_little8(person + 8);
        for (; size - done > 128; done += 128)
            goflow_blake2b_block(h, data + done, done + 128, 0);
        memset(tail, 0, sizeof tail);
        memcpy(tail, data + done, size - done);
        goflow_blake2b_block(h, tail, size, ~(uint64_t)0);
        for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(h[i >> 3] >> (8 * (i & 7)));
    }
    """
    void goflow_blake2b(
        const uint8_t *data, uint64_t size, const uint8_t *person, uint8_t *digest
    ) noexcept nogil
