// y[r, c] = sum over the entries of row r of value x[column, c]. Element: n_rows x width.
extern "C" __global__ void sparse_product(const Count *start, const unsigned *column, const float *value, const float *x,
                                          float *y, Count n_rows, Count width) {
    Count i = element();
    if (i >= n_rows * width) return;
    Count row = i / width, c = i % width;
    float sum = 0.0f;
    for (Count e = start[row]; e < start[row + 1]; e++) sum += value[e] * x[column[e] * width + c];
    y[i] = sum;
}
