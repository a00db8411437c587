// part[first + k] = the squares of the values of chunk k. Row.
extern "C" __global__ void squares(const float *x, double *part, Count first, Count n, Count chunk) {
    double sum = 0.0;
    Count end = (blockIdx.x + 1) * chunk;
    for (Count i = blockIdx.x * chunk + threadIdx.x; i < end && i < n; i += 32) sum += (double)x[i] * (double)x[i];
    sum = sum_of_threads(sum);
    if (threadIdx.x == 0) part[first + blockIdx.x] = sum;
}

// The sum of all parts. Row: one.
extern "C" __global__ void sum_of_parts(const double *part, double *all, Count n_parts) {
    double sum = 0.0;
    for (Count k = threadIdx.x; k < n_parts; k += 32) sum += part[k];
    sum = sum_of_threads(sum);
    if (threadIdx.x == 0) all[0] = sum;
}
