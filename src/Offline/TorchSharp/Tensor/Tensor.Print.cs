using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public override string ToString() => handle == 0 ? "[disposed]" : Metadata();

        public string ToString(TensorStringStyle style, string fltFormat = null, int? width = null, CultureInfo cultureInfo = null, string newLine = null) =>
            style == TensorStringStyle.Metadata ? Metadata() : Render(fltFormat ?? "g5", cultureInfo ?? CultureInfo.InvariantCulture, newLine ?? "\n");

        public string ToString(bool disamb, string fltFormat = null, int? width = null, CultureInfo cultureInfo = null, string newLine = null) =>
            ToString(TensorStringStyle.Default, fltFormat, width, cultureInfo, newLine);

        private string Metadata()
        {
            var dims = ndim == 0 ? "" : $"[{string.Join("x", shape)}], ";
            return $"{dims}type = {dtype}, device = {device}";
        }

        private string Render(string format, CultureInfo culture, string newLine)
        {
            var text = new StringBuilder(Metadata()).Append(newLine);
            using var local = Here();
            Render(local, 0, text, format, culture, newLine);
            return text.ToString();
        }

        // Long dimensions show their first and last three items, as people expect from PyTorch.
        private static void Render(Tensor tensor, int depth, StringBuilder text, string format, CultureInfo culture, string newLine)
        {
            if (tensor.ndim == 0)
            {
                var scalar = tensor.ToScalar();
                text.Append(scalar.Type switch
                {
                    ScalarType.Bool => scalar.ToBoolean() ? "True" : "False",
                    ScalarType.Int64 => scalar.ToInt64().ToString(culture),
                    _ => scalar.ToDouble().ToString(format, culture),
                });
                return;
            }
            text.Append('[');
            var n = tensor.shape[0];
            for (long k = 0; k < n; k++)
            {
                if (k > 0) text.Append(tensor.ndim == 1 ? ", " : "," + newLine + new string(' ', depth + 1));
                if (n > 12 && k == 3)
                {
                    text.Append("...");
                    k = n - 4;
                    continue;
                }
                using var item = tensor.select(0, k);
                Render(item, depth + 1, text, format, culture, newLine);
            }
            text.Append(']');
        }
    }
}
