// out[row, column] = features . weights of the column; entries do not share a place. Element: one per entry.
extern "C" __global__ void weigh_features(const unsigned *row, const unsigned *column, const float *feature,
                                          const float *weight, float *out, Count n_entries, Count n_columns,
                                          Count n_features) {
    Count e = element();
    if (e >= n_entries) return;
    float sum = 0.0f;
    for (Count f = 0; f < n_features; f++) sum += feature[e * n_features + f] * weight[column[e] * n_features + f];
    out[row[e] * n_columns + column[e]] = sum;
}

// slope[column, f] = sum over the entries of the column of feature grad. Element: n_columns x n_features.
extern "C" __global__ void weigh_features_slope(const Count *start, const unsigned *entry, const unsigned *row,
                                                const float *feature, const float *grad, float *slope, Count n_columns,
                                                Count n_features) {
    Count i = element();
    if (i >= n_columns * n_features) return;
    Count column = i / n_features, f = i % n_features;
    float sum = 0.0f;
    for (Count k = start[column]; k < start[column + 1]; k++)
        sum += grad[row[entry[k]] * n_columns + column] * feature[entry[k] * n_features + f];
    slope[i] = sum;
}
