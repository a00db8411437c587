// What all kernels share. Every source is compiled after this text, by NVRTC, nvcc and (in tests) a C++ compiler.
//
// A kernel has either one thread per output value ("element") or one block of 32 threads per row ("row"), whose sums are
// made in a fixed order: no kernel adds with atomics, so that the same inputs give the same bits on one kind of GPU.

typedef unsigned long long Count;

// The thread's number in the grid.
__device__ inline Count element() { return (Count)blockIdx.x * blockDim.x + threadIdx.x; }

// The sum of one value of each of the 32 threads of a block, the same in all of them.
template <typename T> __device__ inline T sum_of_threads(T value) {
    for (int apart = 16; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffu, value, apart);
    return value;
}

// One over the root mean square of a row whose squares sum to `squares`.
__device__ inline float inverse_rms(float squares, Count width) { return 1.0f / sqrtf(squares / (float)width + 1e-6f); }
