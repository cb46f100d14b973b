namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Weights in a file: the number of tensors, then for each its name, type, shape and bytes.
        public partial class Module
        {
            public Module save(string location, IList<string> skip = null)
            {
                var whole = location + ".tmp";
                using (var stream = File.Create(whole)) save(stream, skip);
                File.Move(whole, location, true);
                return this;
            }

            /// <summary>The stream stays open.</summary>
            public Module save(Stream stream, IList<string> skip = null)
            {
                using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
                return save(writer, skip);
            }

            public Module save(BinaryWriter writer, IList<string> skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string> skip = null)
            {
                var kept = sd.Where(item => skip is null || !skip.Contains(item.Key)).ToList();
                writer.Write7BitEncodedInt(kept.Count);
                foreach (var (key, value) in kept)
                {
                    writer.Write(key);
                    value.Save(writer);
                }
            }

            public virtual Module load(string location, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using var stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            public Module load(Stream stream, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using var reader = new BinaryReader(stream, System.Text.Encoding.UTF8, leaveOpen: true);
                return load(reader, strict, skip, loadedParameters);
            }

            /// <exception cref="InvalidDataException">The data are cut short or not a module's.</exception>
            public virtual Module load(BinaryReader reader, bool strict = true, IList<string> skip = null, Dictionary<string, bool> loadedParameters = null)
            {
                using var scope = NewDisposeScope();
                var source = new Dictionary<string, Tensor>();
                try
                {
                    for (var n = reader.Read7BitEncodedInt(); n > 0; n--)
                    {
                        var key = reader.ReadString();
                        source[key] = TensorExtensionMethods.Load(reader);
                    }
                }
                catch (Exception e) when (e is EndOfStreamException or FormatException)
                {
                    throw new InvalidDataException($"The weights of {GetName()} end too early or are damaged.", e);
                }
                load_state_dict(source, strict, skip);
                if (loadedParameters is not null)
                    foreach (var key in state_dict().Keys) loadedParameters[key] = source.ContainsKey(key) && skip?.Contains(key) != true;
                return this;
            }
        }
    }
}
