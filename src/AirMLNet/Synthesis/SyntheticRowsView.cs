using AirMLNet.Notebooks;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Synthesis;

/// <summary>Rows of an input, then those of the synthetic images.</summary>
[TypeFormatterSource(typeof(NotebookFormatters))]
internal sealed class SyntheticRowsView(IDataView input, SynthesisSchema schema, GeneratedImages generated) : IDataView
{
    public DataViewSchema Schema => schema.Output;
    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount() + generated.Images.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var columns = columnsNeeded.ToArray();
        return new Cursor(
            schema,
            generated.Images.Count,
            input.GetRowCursor(schema.Needed(columns), input.CanShuffle ? rand : null),
            columns
        );
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(SynthesisSchema schema, int images, DataViewRowCursor input, DataViewSchema.Column[] active)
        : DataViewRowCursor
    {
        // The upper half of a synthetic row's identity. Rows of an input have small numbers there, so that the two never meet.
        private const ulong IdSpace = 0x53594E5448455449;

        private readonly HashSet<int> _active = [.. active.Select(c => c.Index)];
        private long _rows; // of the input
        private int _image = -1;
        private bool _inputEnded,
            _ended,
            _disposed;

        public override DataViewSchema Schema => schema.Output;
        public override long Position =>
            _ended ? -1
            : _inputEnded ? _rows + _image
            : input.Position;
        public override long Batch => _inputEnded ? 0 : input.Batch;

        public override bool MoveNext()
        {
            if (_ended)
            {
                return false;
            }

            if (!_inputEnded)
            {
                if (input.MoveNext())
                {
                    _rows++;
                    return true;
                }
                _inputEnded = true;
            }
            _ended = ++_image >= images;
            return !_ended;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter()
        {
            var getter = input.GetIdGetter();
            return (ref DataViewRowId value) =>
            {
                if (_inputEnded)
                {
                    value = new DataViewRowId((ulong)_image, IdSpace);
                }
                else
                {
                    getter(ref value);
                }
            };
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
            {
                throw new InvalidOperationException($"Column '{column.Name}' is not active in this cursor.");
            }

            if (typeof(TValue) != column.Type.RawType)
            {
                throw new InvalidOperationException($"Column '{column.Name}' is {column.Type}; it cannot be read as {typeof(TValue)}.");
            }

            var synthetic = schema.Value<TValue>(column);
            var getter = column.Index < schema.Input.Count ? input.GetGetter<TValue>(schema.Input[column.Index]) : null;
            var real = getter is null ? schema.OfInput<TValue>(column) : default!;
            return (ref TValue value) =>
            {
                if (_ended || (_inputEnded && _image < 0))
                {
                    throw new InvalidOperationException("The cursor stands on no row.");
                }

                if (_inputEnded)
                {
                    value = synthetic(_image);
                }
                else if (getter is not null)
                {
                    getter(ref value);
                }
                else
                {
                    value = real;
                }
            };
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                input.Dispose();
            }

            _disposed = true;
            base.Dispose(disposing);
        }
    }
}
