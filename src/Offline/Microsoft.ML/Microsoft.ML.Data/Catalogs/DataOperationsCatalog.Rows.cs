using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

// Choosing and ordering rows.
public sealed partial class DataOperationsCatalog
{
    /// <summary>The first rows.</summary>
    public IDataView TakeRows(IDataView input, long count)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckParam(count > 0, nameof(count), $"Must be greater than zero, but is {count}");
        return new RowSubsetDataView.SkipTake(_env, input, 0, count);
    }

    /// <summary>All rows but the first.</summary>
    public IDataView SkipRows(IDataView input, long count)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckParam(count > 0, nameof(count), $"Must be greater than zero, but is {count}");
        return new RowSubsetDataView.SkipTake(_env, input, count, long.MaxValue);
    }

    /// <summary>The rows in a random order, which is the same in every pass.</summary>
    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        _env.CheckValue(input, nameof(input));
        return new ShuffleDataView(_env, input, seed, shufflePoolSize, shuffleSource);
    }

    /// <summary>The rows of which a number lies between the bounds: the lower included, the upper not.</summary>
    public IDataView FilterRowsByColumn(IDataView input, string columnName, double lowerBound = double.NegativeInfinity, double upperBound = double.PositiveInfinity)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckNonEmpty(columnName, nameof(columnName));
        _env.CheckParam(lowerBound <= upperBound, nameof(upperBound), $"Must be at least {nameof(lowerBound)}");
        DataViewSchema.Column column = _env.FindColumn(input.Schema, "filter", columnName);
        if (column.Type is not NumberDataViewType)
            throw _env.ExceptSchemaMismatch(nameof(columnName), "filter", columnName, "a number", column.Type.ToString());
        return new RowSubsetDataView.Range(_env, input, column, lowerBound, upperBound);
    }

    /// <summary>The rows of which none of these columns has a missing value.</summary>
    public IDataView FilterRowsByMissingValues(IDataView input, params string[] columns)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckParam(columns is { Length: > 0 }, nameof(columns), "At least one column is needed");
        DataViewSchema.Column[] filtered = Array.ConvertAll(columns, name => _env.FindColumn(input.Schema, "filter", name));
        foreach (DataViewSchema.Column column in filtered)
        {
            PrimitiveDataViewType item = AnnotationUtils.GetItemType(column.Type);
            if (item is not KeyDataViewType && item?.RawType != typeof(float) && item?.RawType != typeof(double))
                throw _env.ExceptSchemaMismatch(nameof(columns), "filter", column.Name, "Single, Double or a key, or a vector of these", column.Type.ToString());
        }
        return new RowSubsetDataView.WithoutMissing(_env, input, filtered);
    }

    /// <summary>Splits the rows at random. Rows with the same sampling key come to the same side.</summary>
    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckParam(testFraction is > 0 and < 1, nameof(testFraction), $"Must be between 0 and 1, both exclusive, but is {testFraction}");
        (DataViewSchema.Column? key, int drawn) = Sampling(data, samplingKeyColumnName, seed);
        return new TrainTestData(
            new RowSubsetDataView.Sample(_env, data, key, drawn, 0, testFraction, complement: true),
            new RowSubsetDataView.Sample(_env, data, key, drawn, 0, testFraction, complement: false));
    }

    /// <summary>Splits the rows at random into folds; each is the test set of one pair.</summary>
    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckParam(numberOfFolds > 1, nameof(numberOfFolds), $"Must be more than 1, but is {numberOfFolds}");
        (DataViewSchema.Column? key, int drawn) = Sampling(data, samplingKeyColumnName, seed);
        var folds = new TrainTestData[numberOfFolds];
        for (int fold = 0; fold < numberOfFolds; fold++)
        {
            double lower = (double)fold / numberOfFolds;
            double upper = fold == numberOfFolds - 1 ? double.PositiveInfinity : (double)(fold + 1) / numberOfFolds;
            folds[fold] = new TrainTestData(
                new RowSubsetDataView.Sample(_env, data, key, drawn, lower, upper, complement: true),
                new RowSubsetDataView.Sample(_env, data, key, drawn, lower, upper, complement: false));
        }
        return folds;
    }

    private (DataViewSchema.Column? Key, int Seed) Sampling(IDataView data, string keyName, int? seed)
    {
        DataViewSchema.Column? key = keyName is null ? null : _env.FindColumn(data.Schema, "sampling key", keyName);
        if (key is { Type: not PrimitiveDataViewType } wrong)
            throw _env.ExceptSchemaMismatch("samplingKeyColumnName", "sampling key", wrong.Name, "a scalar", wrong.Type.ToString());
        return (key, seed ?? _env.Register("Sampling").Rand.Next());
    }

    /// <summary>The two sides of a split.</summary>
    public struct TrainTestData
    {
        public readonly IDataView TrainSet;

        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }
    }
}
